#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What each branch of a fan-out adds, at full length.
exec sh "$(dirname -- "$0")/../branches.sh" 5
