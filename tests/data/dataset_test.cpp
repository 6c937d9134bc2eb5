#include "data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/decode/decode.h"
#include "tensor/atomic_file.h"
#include "tests/data/image_files.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class FolderTest : public testing::Test {
 protected:
  void add(const std::string& name) const {
    write_file(folder_.file(name), test::png(6, 5, 3, test::gradient(6, 5, 3)));
  }
  std::unique_ptr<Dataset> open(int channels = 3) const { return open_dataset(folder_.path().string(), channels, 0); }
  static std::vector<std::string> names(const Dataset& dataset) {
    std::vector<std::string> names;
    for (int64_t i = 0; i < dataset.size(); ++i) names.push_back(dataset.name(i));
    return names;
  }
  static std::vector<std::string> left_out(const Dataset& dataset) {
    std::vector<std::string> lines;
    for (const LeftOut& other : dataset.left_out()) lines.push_back(other.path + ": " + other.reason);
    return lines;
  }
  test::TemporaryFolder folder_;
};

TEST_F(FolderTest, FlatFoldersAreSortedAndUnlabelled) {
  for (const char* name : {"b.png", "a.JPG", "10.Jpeg", "9.png", "B.PNG"}) add(name);
  const auto dataset = open();
  EXPECT_THAT(names(*dataset), ElementsAre("10.Jpeg", "9.png", "B.PNG", "a.JPG", "b.png"));
  EXPECT_TRUE(dataset->class_names().empty());
  EXPECT_EQ(dataset->label(0), -1);
  EXPECT_EQ(dataset->load(2).pixels.shape(), (Shape{5, 6, 3}));
  EXPECT_EQ(open(1)->load(2).channels(), 1);
}

TEST_F(FolderTest, SubFoldersAreClasses) {
  for (const char* name : {"normal/2.png", "normal/1.png", "covid 19/deep/er/x.png", "Übung/y.png", "loose.png"})
    add(name);
  fs::create_directories(folder_.path() / "empty class");
  const auto dataset = open();
  EXPECT_THAT(names(*dataset),
              ElementsAre("covid 19/deep/er/x.png", "loose.png", "normal/1.png", "normal/2.png", "Übung/y.png"));
  EXPECT_THAT(dataset->class_names(), ElementsAre("covid 19", "normal", "Übung"));
  EXPECT_EQ(dataset->label(0), 0);
  EXPECT_EQ(dataset->label(1), -1);
  EXPECT_EQ(dataset->label(3), 1);
  EXPECT_EQ(dataset->label(4), 2);
}

TEST_F(FolderTest, WhatSystemsLeaveBehindIsIgnored) {
  for (const char* name : {"a/1.png", ".hidden.png", ".git/2.png", "a/.DS_Store", "a/._1.png", "Thumbs.db",
                           "@eaDir/3.png", "__MACOSX/a/4.png", "Desktop.ini"})
    add(name);
  EXPECT_THAT(names(*open()), ElementsAre("a/1.png"));
  EXPECT_THAT(left_out(*open()), ElementsAre());
}

TEST_F(FolderTest, ContentDecidesAndEverythingElseIsListed) {
  for (const char* name : {"a/1.png", "a/2.img", "a/3", "b/scan.jfif"}) add(name);
  write_file(folder_.file("a/notes.txt"), "text");
  write_file(folder_.file("empty"), "");
  write_file(folder_.file("page.jpg"), "<html>");  // called an image: a bad file when it is read
  ASSERT_EQ(mkfifo(folder_.file("pipe.png").c_str(), 0600), 0);
  fs::create_symlink("nowhere", folder_.path() / "link");
  const auto dataset = open();
  EXPECT_THAT(names(*dataset), ElementsAre("a/1.png", "a/2.img", "a/3", "b/scan.jfif", "page.jpg"));
  EXPECT_THAT(left_out(*dataset),
              ElementsAre("a/notes.txt: not an image of a known format, by its content",
                          "empty: not an image of a known format, by its content",
                          "link: a link to a file that doesn't exist", "pipe.png: not a regular file"));
  EXPECT_EQ(try_load(*dataset, 4).reason, "not an image of a known format, by its content");
}

TEST_F(FolderTest, WhatCantBeReadIsListedToo) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  for (const char* name : {"1.png", "closed/2.png", "3.png", "4"}) add(name);
  fs::permissions(folder_.path() / "closed", fs::perms::none);
  for (const char* name : {"3.png", "4"}) fs::permissions(folder_.path() / name, fs::perms::none);
  const auto dataset = open();
  EXPECT_THAT(names(*dataset), ElementsAre("1.png", "3.png"));
  EXPECT_THAT(left_out(*dataset),
              ElementsAre("4: can't be read: Permission denied", "closed/: can't be entered: Permission denied"));
  EXPECT_THAT(try_load(*dataset, 1).reason, HasSubstr("Permission denied"));
  fs::permissions(folder_.path() / "closed", fs::perms::owner_all);
}

TEST_F(FolderTest, ARunsPicturesAreNotData) {
  for (const char* name : {"a/1.png", "run/views.png", "deep/run/views.png"}) add(name);
  for (const char* run : {"run/", "deep/run/"})
    for (const char* file : {"config.toml", "metrics.jsonl"}) write_file(folder_.file(std::string(run) + file), "");
  const auto dataset = open();
  EXPECT_THAT(names(*dataset), ElementsAre("a/1.png"));
  EXPECT_THAT(left_out(*dataset), ElementsAre("deep/run/: holds a run, whose pictures are not data",
                                              "run/: holds a run, whose pictures are not data"));
}

TEST_F(FolderTest, ImagesAreOrderedByTheBytesOfTheirPaths) {
  for (const char* name : {"a/z.png", "a!/y.png", "a.png", "a0/x.png", "a/b/c.png", "a/b.png"}) add(name);
  const auto dataset = open();
  std::vector<std::string> sorted = names(*dataset);
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
  EXPECT_EQ(sorted.size(), 6u);
  EXPECT_THAT(dataset->class_names(), ElementsAre("a", "a!", "a0"));
  for (int64_t i = 0; i < dataset->size(); ++i) {
    const std::string name = dataset->name(i);
    const int64_t label = dataset->label(i);
    EXPECT_EQ(label < 0 ? "a.png" : dataset->class_names()[static_cast<size_t>(label)],
              name.substr(0, std::min(name.find('/'), name.size())));
  }
}

TEST_F(FolderTest, LinksAreFollowedOnce) {
  add("a/1.png");
  fs::create_directory_symlink("..", folder_.path() / "a/up");
  fs::create_directory_symlink("a", folder_.path() / "z");
  fs::create_symlink("1.png", folder_.path() / "a/2.png");
  EXPECT_THAT(names(*open()), ElementsAre("a/1.png", "a/2.png"));
}

TEST_F(FolderTest, ALinkToNowhereIsABadFileNotSilence) {
  add("1.png");
  fs::create_symlink("gone.png", folder_.path() / "2.png");
  const auto dataset = open();
  ASSERT_EQ(dataset->size(), 2);
  EXPECT_THROW(dataset->load(1), ImageError);
}

TEST_F(FolderTest, ErrorsSayWhatAndWhere) {
  EXPECT_THAT(test::reason_to_refuse((folder_.path() / "missing").string()), HasSubstr("missing': no such folder"));
  write_file(folder_.file("notes.txt"), "x");
  EXPECT_EQ(open()->size(), 0);
  EXPECT_THAT(test::reason_to_refuse((folder_.path() / "notes.txt").string()),
              HasSubstr("neither a folder of images nor a pack of them nor synth:N"));
  EXPECT_THROW(open_dataset(folder_.path().string(), 2, 0), Error);
}

TEST_F(FolderTest, SynthSpecs) {
  EXPECT_EQ(open_dataset("synth:30", 1, 0)->size(), 30);
  EXPECT_EQ(open_dataset("synth:30", 3, 0)->load(0).pixels.shape(), (Shape{128, 128, 3}));
  EXPECT_EQ(open_dataset("synth:30:64", 1, 0)->load(29).pixels.shape(), (Shape{64, 64, 1}));
  const auto pixels = [](const std::string& spec, uint64_t seed) {
    return open_dataset(spec, 1, seed)->load(0).pixels.to_vector();
  };
  EXPECT_EQ(pixels("synth:3:64:5", 0), pixels("synth:9:64", 5));
  EXPECT_NE(pixels("synth:3:64:5", 0), pixels("synth:3:64", 0));
  for (const char* spec : {"synth:", "synth:0", "synth:-3", "synth:x", "synth:3x", "synth:3:", "synth:3:64:5:6",
                           "synth:3:9", "synth:3::5"})
    EXPECT_THROW(open_dataset(spec, 1, 0), Error) << spec;
}

}  // namespace
}  // namespace minissl
