#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# P1 of the goals: one splice that fails at once, from Java and from C.
exec sh "$(dirname -- "$0")/../p1.sh" short
