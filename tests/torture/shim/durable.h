#pragma once

/// What a disk would hold if the power failed: a simple model of a journalling file system (ext4, XFS), kept as a
/// folder of copies.
///
/// - fsync of a file makes its content durable, and its name if the file is new.
/// - A rename, a removal and the name of a file that was never synced become durable with the fsync of their folder.
/// - A file whose name is durable and whose content was never synced is empty.
/// - Folders themselves are durable at once.
namespace minissl::faults {

/// `path` was written to the disk; `descriptor` is open on it.
void made_durable(const char* path, int descriptor);
/// The content that this path names is about to lose its name, by removal or by a rename over it.
void about_to_be_forgotten(const char* path);

}  // namespace minissl::faults
