// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where recordings may go. */
class DirectoryShelfTest {
    @TempDir
    private Path directory;

    @Test
    void aDirectoryIsMadeForItsOwnerAlone() throws Exception {
        Path made = directory.resolve("above/recordings");
        new DirectoryShelf(made).prepare();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
                .isEqualTo("rwx------");
    }

    @Test
    void aFileIsNoDirectory() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> new DirectoryShelf(file).prepare()).isInstanceOf(FileAlreadyExistsException.class);
    }

    /** Of a file system that is read-only, for a directory's permissions hinder no superuser. */
    @Test
    void aDirectoryThatCannotBeWrittenToIsNamedBeforeAnythingIsRecorded() throws Exception {
        Path archive = directory.resolve("archive.zip");
        try (FileSystem fresh = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
            Files.createDirectory(fresh.getPath("/recordings"));
        }
        try (FileSystem readOnly = FileSystems.newFileSystem(archive, Map.of("accessMode", "readOnly"))) {
            assertThatThrownBy(() -> new DirectoryShelf(readOnly.getPath("/recordings")).prepare())
                    .isInstanceOf(AccessDeniedException.class)
                    .hasMessageContaining("/recordings");
        }
    }
}
