// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

/** Files that are taken for captures, by their first four bytes, and what can be done about it. */
final class Strangers {
    private Strangers() {}

    static String describe(int magic) {
        return switch (magic) {
            case 0xa1b2cd34, 0x34cdb2a1, 0xa1b234cd, 0xcd34b2a1 ->
                "it is one of the modified pcap formats of old Linux kernels: convert it with editcap";
            case 0xa12b3c4d, 0x4d3c2ba1, 0x1c0001ac, 0xac01001c, 0x1c0001ab, 0xab01001c ->
                "it is a vendor's modified pcap format: convert it with editcap";
            case 0x736e6f6f -> "it is one of snoop: convert it with editcap";
            case 0x28b52ffd -> "it is compressed: run zstd -d on it first";
            case 0x04224d18 -> "it is compressed: run lz4 -d on it first";
            case 0xfd377a58 -> "it is compressed: run xz -d on it first";
            default ->
                magic >>> 16 == 0x1f8b
                        ? "it is compressed: run gunzip on it first"
                        : "it begins with neither pcapng's nor pcap's number, but with %08x".formatted(magic);
        };
    }
}
