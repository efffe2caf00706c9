#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P11 and P12 of the goals, at full length.
exec sh "$(dirname -- "$0")/../taps.sh" 31
