// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/** Whether a backend is told by a header who the client is: the PROXY protocol of HAProxy. */
public enum ProxyProtocol {
    NONE,
    /** A line of text. */
    V1,
    /** Binary. */
    V2
}
