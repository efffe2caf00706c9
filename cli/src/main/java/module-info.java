// SPDX-License-Identifier: Apache-2.0

/** The {@code sluice} command. */
module io.sluice.cli {
    requires static org.jspecify;
    requires info.picocli;
    requires io.sluice.core;

    opens io.sluice.cli to
            info.picocli;
}
