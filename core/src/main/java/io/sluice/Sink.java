// SPDX-License-Identifier: Apache-2.0
package io.sluice;

/** An end that bytes go to. */
public sealed interface Sink extends java.nio.channels.Channel permits PipeWriter, FileEnd, SocketEnd {}
