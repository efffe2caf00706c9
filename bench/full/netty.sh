#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The successor of Netty's spliceTo beside it and beside ByteBufs, at full length.
exec sh "$(dirname -- "$0")/../netty.sh" 7
