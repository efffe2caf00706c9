// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.sluice.kernel.DescriptorPassing;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Descriptors in messages. The structures are the kernel's own, the same on x86-64 and aarch64; all lie in the block of
 * a {@link Scratch}:
 *
 * <pre>
 *    0  struct msghdr    name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48
 *   56  struct iovec     base, length
 *   72  the byte
 *   80  struct cmsghdr   len 0, level 8, type 12; then the descriptors, 4 bytes each
 * </pre>
 */
final class Rights implements DescriptorPassing {
    private static final int IOV = 56;
    private static final int WORD = 72;
    private static final int CONTROL = 80;
    private static final int CONTROL_HEADER_BYTES = 16;
    private static final int SCM_RIGHTS = 1;
    private static final long MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int MSG_CTRUNC = 0x08;

    private final Scratch.Pool scratches;

    Rights(Scratch.Pool scratches) {
        this.scratches = scratches;
    }

    @Override
    public long send(int socket, byte word, List<Integer> fds) {
        if (fds.size() > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    "a message takes at most " + MAX_DESCRIPTORS + " descriptors, not " + fds.size());
        }
        Scratch s = scratches.take();
        try {
            MemorySegment block = s.block;
            int controlBytes = fds.isEmpty() ? 0 : CONTROL_HEADER_BYTES + 4 * fds.size();
            prepare(block, controlBytes);
            block.set(JAVA_BYTE, WORD, word);
            block.set(JAVA_LONG, CONTROL, controlBytes);
            block.set(JAVA_INT, CONTROL + 8, Flags.SOL_SOCKET);
            block.set(JAVA_INT, CONTROL + 12, SCM_RIGHTS);
            for (int i = 0; i < fds.size(); i++) {
                block.set(JAVA_INT, CONTROL + CONTROL_HEADER_BYTES + 4L * i, fds.get(i));
            }
            return SystemCall.call(s, Numbers.SENDMSG, socket, block.address(), Flags.MSG_NOSIGNAL, 0, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long receive(int socket, List<Integer> fds) {
        Scratch s = scratches.take();
        try {
            MemorySegment block = s.block;
            prepare(block, CONTROL_HEADER_BYTES + 4 * MAX_DESCRIPTORS);
            long result = SystemCall.call(s, Numbers.RECVMSG, socket, block.address(), MSG_CMSG_CLOEXEC, 0, 0, 0);
            if (result <= 0) {
                return result == 0 ? -Errno.ENODATA : result;
            }
            int word = Byte.toUnsignedInt(block.get(JAVA_BYTE, WORD));
            int first = fds.size();
            if (block.get(JAVA_LONG, 40) > 0) {
                long end = block.get(JAVA_LONG, CONTROL);
                for (long at = CONTROL_HEADER_BYTES; at < end; at += 4) {
                    fds.add(block.get(JAVA_INT, CONTROL + at));
                }
            }
            if ((block.get(JAVA_INT, 48) & MSG_CTRUNC) == 0) {
                return word;
            }
            List<Integer> part = fds.subList(first, fds.size());
            part.forEach(fd -> SystemCall.call(s, Numbers.CLOSE, fd, 0, 0, 0, 0, 0));
            part.clear();
            return -Errno.EMFILE;
        } finally {
            scratches.giveBack(s);
        }
    }

    private static void prepare(MemorySegment block, int controlBytes) {
        long address = block.address();
        block.asSlice(0, CONTROL + CONTROL_HEADER_BYTES).fill((byte) 0);
        block.set(JAVA_LONG, 16, address + IOV);
        block.set(JAVA_LONG, 24, 1);
        block.set(JAVA_LONG, 32, controlBytes == 0 ? 0 : address + CONTROL);
        block.set(JAVA_LONG, 40, controlBytes);
        block.set(JAVA_LONG, IOV, address + WORD);
        block.set(JAVA_LONG, IOV + 8, 1);
    }
}
