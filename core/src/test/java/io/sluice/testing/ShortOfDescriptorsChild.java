// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.SOCK_STREAM;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that accepts connections of the host's network on a kernel in user space, and has no descriptor left when
 * one of them comes. To be run where a process may have few.
 */
public final class ShortOfDescriptorsChild {
    private ShortOfDescriptorsChild() {}

    /** Prints what became of connections, to this kernel and from it, before the shortage, in it, and after it. */
    public static void main(String[] arguments) throws IOException {
        try (Kernel kernel =
                UserKernel.builder().network(UserKernel.NetworkKind.HOST).build()) {
            int listener = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
            kernel.bind(listener, new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0));
            kernel.listen(listener, 4);
            SocketAddress[] name = new SocketAddress[1];
            kernel.getsockname(listener, name);
            // Whatever class is needed in the shortage must have been read before it.
            System.out.println("nowhere: " + answer(kernel.connect(-1, name[0])));
            kernel.connect((int) kernel.socket(AF_INET, SOCK_STREAM, 0), name[0]);
            System.out.println("to itself: " + accepted(kernel, listener));
            int client = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
            try (SocketChannel before = SocketChannel.open(name[0])) {
                System.out.println("before: " + before.isConnected() + " " + accepted(kernel, listener));
            }
            try (SocketChannel during = SocketChannel.open()) {
                List<FileInputStream> all = takeAll();
                System.out.println("out of it: " + answer(kernel.connect(client, name[0])));
                during.connect(name[0]);
                long soon = System.nanoTime() + 300_000_000L; // the network's thread tries, and fails, in a moment
                while (System.nanoTime() < soon) {
                    LockSupport.parkNanos(1_000_000);
                }
                for (FileInputStream one : all) {
                    one.close();
                }
                System.out.println("during: " + accepted(kernel, listener));
            }
            try (SocketChannel after = SocketChannel.open(name[0])) {
                System.out.println("after: " + after.isConnected() + " " + accepted(kernel, listener));
            }
            System.out.println("out of it: " + answer(kernel.connect(client, name[0])));
            System.out.println("to itself: " + accepted(kernel, listener));
        }
    }

    private static String accepted(Kernel kernel, int listener) {
        long fd = kernel.accept4(listener, 0);
        return fd < 0 ? answer(fd) : "accepted";
    }

    private static String answer(long result) {
        return result < 0 ? Errno.name((int) -result) : Long.toString(result);
    }

    private static List<FileInputStream> takeAll() {
        List<FileInputStream> all = new ArrayList<>();
        while (true) {
            try {
                all.add(new FileInputStream("/dev/null"));
            } catch (IOException noneLeft) {
                return all;
            }
        }
    }
}
