// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import io.sluice.kernel.DescriptorPassing;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import java.nio.ByteBuffer;
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
            ByteBuffer block = s.block;
            int controlBytes = fds.isEmpty() ? 0 : CONTROL_HEADER_BYTES + 4 * fds.size();
            prepare(s, controlBytes);
            block.put(WORD, word);
            block.putLong(CONTROL, controlBytes);
            block.putInt(CONTROL + 8, Flags.SOL_SOCKET);
            block.putInt(CONTROL + 12, SCM_RIGHTS);
            for (int i = 0; i < fds.size(); i++) {
                block.putInt(CONTROL + CONTROL_HEADER_BYTES + 4 * i, fds.get(i));
            }
            return SystemCall.call(s, Numbers.SENDMSG, socket, s.blockAddress, Flags.MSG_NOSIGNAL, 0, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long receive(int socket, List<Integer> fds) {
        Scratch s = scratches.take();
        try {
            ByteBuffer block = s.block;
            prepare(s, CONTROL_HEADER_BYTES + 4 * MAX_DESCRIPTORS);
            long result = SystemCall.call(s, Numbers.RECVMSG, socket, s.blockAddress, MSG_CMSG_CLOEXEC, 0, 0, 0);
            if (result <= 0) {
                return result == 0 ? -Errno.ENODATA : result;
            }
            int word = Byte.toUnsignedInt(block.get(WORD));
            int first = fds.size();
            if (block.getLong(40) > 0) {
                long end = block.getLong(CONTROL);
                for (int at = CONTROL_HEADER_BYTES; at < end; at += 4) {
                    fds.add(block.getInt(CONTROL + at));
                }
            }
            if ((block.getInt(48) & MSG_CTRUNC) == 0) {
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

    private static void prepare(Scratch s, int controlBytes) {
        ByteBuffer block = s.block;
        long address = s.blockAddress;
        block.put(0, new byte[CONTROL + CONTROL_HEADER_BYTES]);
        block.putLong(16, address + IOV);
        block.putLong(24, 1);
        block.putLong(32, controlBytes == 0 ? 0 : address + CONTROL);
        block.putLong(40, controlBytes);
        block.putLong(IOV, address + WORD);
        block.putLong(IOV + 8, 1);
    }
}
