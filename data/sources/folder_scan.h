#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/sources/string_table.h"

namespace minissl {

/// The images below a folder, and what else is there.
struct FolderScan {
  StringTable images;             ///< relative paths with '/', ordered by their bytes
  std::vector<LeftOut> left_out;  ///< ordered by path
};

/// Lists a folder and its sub-folders. Content decides what is an image: a file whose extension is that of a readable
/// format counts as one until it is read (then it is a bad file or not); any other is opened to look at its first
/// bytes. Everything is either an image or in `left_out`, except for what file managers and systems leave behind:
/// hidden files and folders (.DS_Store, ._x), Thumbs.db, desktop.ini, @eaDir, __MACOSX, lost+found, $RECYCLE.BIN. A
/// sub-folder that holds a run is left out, so that a run's pictures are not read as data. Symbolic links are followed;
/// a folder reached twice counts once. Throws Error if the folder itself can't be read.
FolderScan scan_folder(const std::filesystem::path& folder);

}  // namespace minissl
