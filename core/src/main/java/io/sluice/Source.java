// SPDX-License-Identifier: Apache-2.0
package io.sluice;

/** An end that bytes come from. */
public sealed interface Source extends java.nio.channels.Channel permits PipeReader, FileEnd, SocketEnd {}
