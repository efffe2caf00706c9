// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.kernel.ProcessDescriptors;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import java.nio.channels.Channel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Optional;

/**
 * Makes ends of the channels of java.nio and the streams of java.io. Behind those of the JDK there is a descriptor of
 * this process, and where the kernel below knows that number it is adopted; all others are {@linkplain CopiedStreams
 * copied}.
 */
final class JavaStreams {
    /** Where the JDK keeps its channels, and what an option of the JVM must open to us. */
    private static final String CHANNELS = "sun.nio.ch";

    private JavaStreams() {}

    static Source source(Sluice sluice, ReadableByteChannel channel) throws IOException {
        Optional<Field> descriptor = descriptorIn(channel, sluice);
        return descriptor.isPresent()
                ? adopted(channel, descriptor.get(), fd -> Adoption.source(sluice, fd))
                : CopiedStreams.source(sluice, channel);
    }

    static Sink sink(Sluice sluice, WritableByteChannel channel) throws IOException {
        Optional<Field> descriptor = descriptorIn(channel, sluice);
        return descriptor.isPresent()
                ? adopted(channel, descriptor.get(), fd -> Adoption.sink(sluice, fd))
                : CopiedStreams.sink(sluice, channel);
    }

    static Source source(Sluice sluice, InputStream in) throws IOException {
        // A class derived from it may read something else than the file.
        if (in.getClass() == FileInputStream.class && isOpenToUs()) {
            FileChannel channel = ((FileInputStream) in).getChannel();
            if (descriptorIn(channel, sluice).isPresent()) {
                return source(sluice, channel);
            }
        }
        return CopiedStreams.source(sluice, in);
    }

    static Sink sink(Sluice sluice, OutputStream out) throws IOException {
        if (out.getClass() == FileOutputStream.class && isOpenToUs()) {
            FileChannel channel = ((FileOutputStream) out).getChannel();
            if (descriptorIn(channel, sluice).isPresent()) {
                return sink(sluice, channel);
            }
        }
        return CopiedStreams.sink(sluice, out);
    }

    private static boolean isOpenToUs() {
        return Object.class.getModule().isOpen(CHANNELS, JavaStreams.class.getModule());
    }

    /** The field with the descriptor of an open channel, if it has one that means something to the kernel below. */
    private static Optional<Field> descriptorIn(Channel channel, Sluice sluice) throws ClosedChannelException {
        if (channel instanceof End end && end.sluice == sluice) {
            throw new IllegalArgumentException(end + " is an end of this Sluice, to be used as it is");
        }
        if (!channel.isOpen()) {
            throw new ClosedChannelException();
        }
        boolean shared = sluice.kernel().feature(ProcessDescriptors.class).isPresent();
        if (!shared || !channel.getClass().getPackageName().equals(CHANNELS)) {
            return Optional.empty();
        }
        for (Class<?> c = channel.getClass(); c != null; c = c.getSuperclass()) {
            for (Field field : c.getDeclaredFields()) {
                if (field.getName().equals("fd") && field.getType() == FileDescriptor.class) {
                    return Optional.of(field);
                }
            }
        }
        return Optional.empty();
    }

    private interface Take<E> {
        E take(int fd) throws IOException;
    }

    private static <E extends Channel> E adopted(Channel channel, Field descriptor, Take<E> take) throws IOException {
        int fd = numberOf(channel, descriptor);
        if (!(channel instanceof SelectableChannel selectable) || !ChannelMode.hold(selectable)) {
            return take.take(fd);
        }
        boolean taken = false;
        try {
            E end = take.take(fd);
            ((End) end).descriptor().afterRelease(() -> ChannelMode.release(selectable));
            taken = true;
            return end;
        } finally {
            if (!taken) {
                ChannelMode.release(selectable);
            }
        }
    }

    /** The number behind a channel of the JDK, which has no public way to it. */
    private static int numberOf(Channel channel, Field descriptor) {
        try {
            descriptor.setAccessible(true);
            Method number = Class.forName(CHANNELS + ".IOUtil").getMethod("fdVal", FileDescriptor.class);
            number.setAccessible(true);
            return (int) number.invoke(null, descriptor.get(channel));
        } catch (InaccessibleObjectException e) {
            String module = JavaStreams.class.getModule().isNamed() ? "io.sluice.core" : "ALL-UNNAMED";
            throw new UnsupportedOperationException(
                    "the descriptor of a java.nio channel is out of reach: start Java with --add-opens java.base/"
                            + CHANNELS + "=" + module,
                    e);
        } catch (ReflectiveOperationException e) {
            throw new UnsupportedOperationException(
                    "this JDK keeps the descriptor of a " + channel.getClass().getName() + " in another place", e);
        }
    }
}
