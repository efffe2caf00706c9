#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P5 of the goals, at full length.
exec sh "$(dirname -- "$0")/../p5.sh"
