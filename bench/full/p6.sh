#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P6 of the goals, at full length.
exec sh "$(dirname -- "$0")/../p6.sh" 6
