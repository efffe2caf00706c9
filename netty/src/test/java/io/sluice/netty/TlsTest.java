// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ssl.SslHandler;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.Test;

/** A channel whose bytes are encrypted cannot be spliced, and says so. */
final class TlsTest extends TwoWires {
    @Test
    void aChannelWithAnSslHandlerIsRefusedAndTheHandlerNamed() throws Exception {
        SSLEngine engine = SSLContext.getDefault().createSSLEngine();
        engine.setUseClientMode(false);
        near.channel().pipeline().addFirst("tls", new SslHandler(engine));
        SpliceFuture splice = join().start();
        settled(splice);

        assertThat(splice.cause())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"tls\"")
                .hasMessageContaining("SslHandler")
                .hasMessageContaining("TLS records");
        assertHandlersGet(far, 10);
    }
}
