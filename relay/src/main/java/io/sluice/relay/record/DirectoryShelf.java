// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/** A directory of the host. */
public final class DirectoryShelf implements Shelf {
    private static final System.Logger LOG = System.getLogger(DirectoryShelf.class.getName());
    private static final Set<PosixFilePermission> OWNER_ALONE = PosixFilePermissions.fromString("rwx------");

    private final Path directory;
    private boolean warned;

    /** Nothing is made or looked at yet. */
    public DirectoryShelf(Path directory) {
        this.directory = directory;
    }

    /**
     * Makes the directory for its owner alone. One that is there stays as it is: the files are readable by their owner
     * alone wherever they are, but where others may write they may also delete them, and that is said.
     */
    @Override
    public void prepare() throws IOException {
        boolean posix = directory.getFileSystem().supportedFileAttributeViews().contains("posix");
        if (!Files.isDirectory(directory)) {
            Path parent = directory.toAbsolutePath().getParent();
            if (parent != null && !Files.isDirectory(parent)) {
                Files.createDirectories(parent);
            }
            try {
                if (posix) {
                    Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_ALONE));
                } else {
                    Files.createDirectory(directory);
                }
            } catch (FileAlreadyExistsException e) {
                if (!Files.isDirectory(directory)) {
                    throw e;
                }
            }
        }
        if (!Files.isWritable(directory)) {
            throw new AccessDeniedException(directory.toString());
        }
        Set<PosixFilePermission> allowed = !posix ? Set.of() : Files.getPosixFilePermissions(directory);
        boolean open =
                allowed.contains(PosixFilePermission.GROUP_WRITE) || allowed.contains(PosixFilePermission.OTHERS_WRITE);
        if (open && !warned) {
            warned = true;
            LOG.log(Level.WARNING, "others may delete recordings in {0}: it is writable for them", directory);
        }
    }

    @Override
    public String path(String name) {
        return directory.resolve(name).toString();
    }

    @Override
    public List<Entry> entries() throws IOException {
        List<Entry> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, Reel.NAMES)) {
            for (Path each : files) {
                try {
                    found.add(new Entry(String.valueOf(each.getFileName()), Files.size(each)));
                } catch (NoSuchFileException gone) {
                    LOG.log(Level.DEBUG, "somebody else has deleted {0}", each);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        found.sort(Comparator.comparing(Entry::name));
        return found;
    }

    @Override
    public void delete(String name) throws IOException {
        Files.deleteIfExists(directory.resolve(name));
    }
}
