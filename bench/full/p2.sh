#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P2 of the goals, at full length.
exec sh "$(dirname -- "$0")/../p2.sh" 200 0.15
