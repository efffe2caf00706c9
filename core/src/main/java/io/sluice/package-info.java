// SPDX-License-Identifier: Apache-2.0

/**
 * What people use: the door and the owned ends of pipes, files and sockets. Anyone may call it. An end belongs to
 * whoever opened it, closing it wakes every thread that waits on it, and no descriptor number is reused under a running
 * call.
 */
@NullMarked
package io.sluice;

import org.jspecify.annotations.NullMarked;
