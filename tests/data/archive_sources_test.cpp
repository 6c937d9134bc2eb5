#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/decode/decode.h"
#include "data/sources/byte_source.h"
#include "data/sources/parts.h"
#include "tensor/atomic_file.h"
#include "tests/data/archive_files.h"
#include "tests/data/image_files.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::string picture(int width) { return test::png(width, 5, 3, test::gradient(width, 5, 3)); }

std::vector<std::string> names_of(const Dataset& dataset) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < dataset.size(); ++i) names.push_back(dataset.name(i));
  return names;
}
std::vector<int64_t> labels_of(const Dataset& dataset) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
  return labels;
}

class Archives : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  std::unique_ptr<Dataset> open(const std::string& spec) const { return open_dataset(path(spec), 3, 0); }
  std::string reason(const std::string& spec) const { return test::reason_to_refuse(path(spec)); }
  test::TemporaryFolder folder_;
};

// What differs between formats is where the bytes are and how long names are written.
TEST_F(Archives, HaveTheNamesClassesAndPixelsOfTheFolder) {
  const std::string deep = "cat/" + std::string(140, 'd') + "/" + std::string(90, 'n') + ".png";
  const test::Members members = {{"photos/", ""},
                                 {"photos/dog/2.png", picture(9)},
                                 {"photos/dog/10.jpg", test::jpeg(8, 8, 3, test::gradient(8, 8, 3))},
                                 {"photos/" + deep, picture(7)},
                                 {"photos/dog/.hidden.png", picture(3)},
                                 {"photos/dog/._2.png", "apple"},
                                 {"photos/empty/", ""}};
  for (const auto& [name, content] : members)
    if (!name.ends_with('/')) write_file(folder_.file(name), content);
  const auto expected = open_dataset(path("photos"), 3, 0);
  ASSERT_EQ(expected->size(), 3);
  for (const char* format : {"ustar", "pax", "gnutar", "zip"})
    for (const char* filter : {"none", "gzip", "xz", "zstd", "bzip2"}) {
      if (std::string(format) == "zip" && std::string(filter) != "none") continue;
      test::write_archive(path("a.bin"), members, format, filter);
      const auto dataset = open("a.bin");
      EXPECT_EQ(names_of(*dataset), names_of(*expected)) << format << filter;
      EXPECT_EQ(identity_of(*dataset, ""), identity_of(*expected, "")) << format << filter;
      for (int64_t i = 0; i < dataset->size(); ++i)
        EXPECT_EQ(dataset->load(i).pixels.to_vector(), expected->load(i).pixels.to_vector()) << format << filter << i;
      const bool plain = std::string(format) != "zip" && std::string(filter) == "none";
      EXPECT_EQ(dataset->remarks().empty(), plain) << "only what is compressed is unpacked";
    }
}

TEST_F(Archives, FoldersOfTrainAndTestAreParts) {
  test::write_archive(path("c.tar.xz"),
                      {{"cifar/test/cat/1.png", picture(4)},
                       {"cifar/train/cat/1.png", picture(5)},
                       {"cifar/train/dog/7.png", picture(6)}},
                      "ustar", "xz");
  EXPECT_THAT(names_of(*open("c.tar.xz")), ElementsAre("cat/1.png", "dog/7.png"));
  EXPECT_THAT(open("c.tar.xz")->remarks(), Contains(HasSubstr("its part train; there are train, test")));
  EXPECT_EQ(open("c.tar.xz:test")->load(0).width(), 4);
  EXPECT_THAT(names_of(*open("c.tar.xz:test," + path("c.tar.xz") + ":train")),
              ElementsAre("c.tar.xz:test/cat/1.png", "c.tar.xz:train/cat/1.png", "c.tar.xz:train/dog/7.png"));
  EXPECT_THAT(reason("c.tar.xz:val"), HasSubstr("there is no part val"));
  test::write_archive(path("flat.tar"), {{"images/1.png", picture(4)}});
  EXPECT_THAT(open("flat.tar")->class_names(), ElementsAre("images"));
  EXPECT_THAT(reason("flat.tar:train"), HasSubstr("it has no parts"));
}

TEST_F(Archives, WebDatasetsHaveTheirClassesInFiles) {
  test::write_archive(path("shard-000.tar"), {{"000001.png", picture(4)},
                                              {"000001.cls", "10"},
                                              {"000001.json", "{}"},
                                              {"000002.cls", "9\n"},
                                              {"000002.seg.png", picture(5)},
                                              {"000003.png", picture(6)}});
  const auto dataset = open("shard-000.tar");
  EXPECT_THAT(names_of(*dataset), ElementsAre("000001.png", "000002.seg.png", "000003.png"));
  EXPECT_THAT(dataset->class_names(), ElementsAre("9", "10"));
  EXPECT_THAT(labels_of(*dataset), ElementsAre(1, 0, -1));
  EXPECT_THAT(dataset->remarks(), ElementsAre(HasSubstr("1 files in it aren't images and are ignored: 1 .json")));
  test::write_archive(path("shard-001.tar"), {{"000001.cls", "4"}, {"000001.png", picture(8)}});
  const auto both = open("shard-{000..001}.tar");
  EXPECT_THAT(names_of(*both), ElementsAre("shard-000.tar/000001.png", "shard-000.tar/000002.seg.png",
                                           "shard-000.tar/000003.png", "shard-001.tar/000001.png"));
  EXPECT_THAT(both->class_names(), ElementsAre("10", "4", "9"));
  EXPECT_THAT(labels_of(*both), ElementsAre(0, 2, -1, 1));
  EXPECT_EQ(both->load(3).width(), 8);
  test::write_archive(path("bad.tar"), {{"1.png", picture(4)}, {"1.cls", ""}});
  EXPECT_THAT(reason("bad.tar"), HasSubstr("1.cls: not the class of an image"));
}

TEST_F(Archives, ADamagedMemberIsOneBadImage) {
  test::write_archive(
      path("a.tar"),
      {{"1.png", picture(4)}, {"2.png", "no picture"}, {"3.png", ""}, {"4.dat", picture(6)}, {"5.dat", "x"}});
  const auto dataset = open("a.tar");
  EXPECT_THAT(names_of(*dataset), ElementsAre("1.png", "2.png", "3.png", "4.dat")) << "content decides, then the name";
  EXPECT_TRUE(try_load(*dataset, 0).ok());
  EXPECT_FALSE(try_load(*dataset, 1).ok());
  EXPECT_THAT(try_load(*dataset, 2).reason, HasSubstr("empty"));
  EXPECT_TRUE(try_load(*dataset, 3).ok());
  EXPECT_THAT(dataset->remarks(), ElementsAre(HasSubstr("1 .dat")));
}

TEST_F(Archives, LinksAndRepeatedNames) {
  for (const char* filter : {"none", "gzip"}) {
    test::write_archive(path("a.tar"),
                        {{"a/1.png", picture(4)},
                         {"a/2.png", "link:a/1.png"},
                         {"a/3.png", "symlink:1.png"},
                         {"b/1.png", picture(5)},
                         {"b/1.png", picture(6)}},
                        "gnutar", filter);
    const auto dataset = open("a.tar");
    EXPECT_THAT(names_of(*dataset), ElementsAre("a/1.png", "a/2.png", "b/1.png"));
    EXPECT_EQ(dataset->load(1).width(), 4);
    EXPECT_EQ(dataset->load(2).width(), 6);
    EXPECT_THAT(dataset->remarks(), Contains(HasSubstr("1 symbolic links")));
    EXPECT_THAT(dataset->remarks(), Contains(HasSubstr("more than once")));
  }
}

TEST_F(Archives, CutShortIsOneLine) {
  const test::Members members = {{"a/1.png", picture(60)}, {"a/2.png", picture(61)}};
  for (const auto& [format, filter] : std::vector<std::pair<const char*, const char*>>{{"ustar", "none"},
                                                                                       {"pax", "none"},
                                                                                       {"ustar", "xz"},
                                                                                       {"ustar", "gzip"},
                                                                                       {"ustar", "zstd"},
                                                                                       {"zip", "none"}}) {
    test::write_archive(path("whole.tar"), members, format, filter);
    const std::string whole = read_file(path("whole.tar"));
    const size_t second = std::string(filter) == "none" ? whole.find("a/2.png") : whole.size();
    // Within the second member's pixels, or within the compressed data.
    write_file(path("cut.tar"),
               whole.substr(
                   0, std::string(format) == "zip" || std::string(filter) != "none" ? whole.size() / 2 : second + 700));
    EXPECT_NE(reason("cut.tar"), "opened") << format << filter;
    EXPECT_THAT(reason("cut.tar"), HasSubstr("cut.tar")) << format << filter;
  }
  // Between members the end can't be told from a cut but by tar's mark.
  test::write_archive(path("whole.tar"), members);
  const std::string whole = read_file(path("whole.tar"));
  write_file(path("cut.tar"), whole.substr(0, whole.find("a/2.png")));
  EXPECT_THAT(open("cut.tar")->remarks(), ElementsAre(HasSubstr("no mark at its end")));
  // A damaged header.
  std::string damaged = whole;
  damaged[damaged.find("a/2.png") + 2] = 'x';
  write_file(path("cut.tar"), damaged);
  EXPECT_THAT(reason("cut.tar"), HasSubstr("after member a/1.png"));
  test::write_archive(path("none.tar"), {{"readme.txt", "text"}});
  EXPECT_THAT(reason("none.tar"), HasSubstr("there are no images in it"));
}

TEST_F(Archives, BombsAreBounded) {
  EXPECT_EQ(UnpackedFile::most_bytes(0), int64_t{1} << 30);
  EXPECT_EQ(UnpackedFile::most_bytes(1000), (int64_t{1} << 30) + 200000);
  EXPECT_GT(UnpackedFile::most_bytes(INT64_MAX), INT64_MAX / 2);
  setenv("TMPDIR", path("missing").c_str(), 1);
  test::write_archive(path("a.tar.gz"), {{"1.png", picture(4)}}, "ustar", "gzip");
  EXPECT_THAT(reason("a.tar.gz"), HasSubstr("set TMPDIR to another folder"));
  unsetenv("TMPDIR");
  EXPECT_EQ(reason("a.tar.gz"), "opened");
}

TEST_F(Archives, SeveralRootsAreOneDataSet) {
  write_file(folder_.file("x/a/cat/1.png"), picture(4));
  write_file(folder_.file("x/a/dog/1.png"), picture(5));
  write_file(folder_.file("y/b/cow/1.png"), picture(6));
  write_file(folder_.file("y/b/cat/1.png"), "no picture");
  write_file(folder_.file("y/a/cat/1.png"), picture(7));
  const auto dataset = open_dataset(path("x/a") + "," + path("y/b") + "/,synth:3:32:1", 3, 0);
  EXPECT_THAT(names_of(*dataset),
              ElementsAre("a/cat/1.png", "a/dog/1.png", "b/cat/1.png", "b/cow/1.png", "synth:3:32:1/normal/000000",
                          "synth:3:32:1/opacity/000001", "synth:3:32:1/enlarged_heart/000002"));
  EXPECT_THAT(dataset->class_names(), ElementsAre("cat", "cow", "dog", "enlarged_heart", "normal", "opacity"));
  EXPECT_THAT(labels_of(*dataset), ElementsAre(0, 2, 0, 1, 4, 5, 3));
  EXPECT_EQ(dataset->load(3).width(), 6);
  EXPECT_THROW(dataset->load(2), ImageError);
  EXPECT_EQ(dataset->load(6).width(), 32);
  // Roots that are called the same.
  EXPECT_THAT(names_of(*open_dataset(path("x/a") + "," + path("y/a"), 3, 0)),
              ElementsAre(path("x/a/cat/1.png"), path("x/a/dog/1.png"), path("y/a/cat/1.png")));
  EXPECT_THAT(reason("x," + path("x/a")), HasSubstr("its images would count twice"));
  EXPECT_THAT(reason("x," + path("x")), HasSubstr("twice"));
  EXPECT_THAT(reason("x,,"), HasSubstr("nothing between two of its commas"));
  EXPECT_THAT(reason("x," + path("z")), HasSubstr("z': no such folder"));
}

TEST_F(Archives, APathThatExistsIsTakenAsItIs) {
  for (const char* name : {"a,b/1.png", "{1..2}/1.png", "c:train/1.png", "c/1.png"})
    write_file(folder_.file(name), picture(4));
  for (const char* name : {"a,b", "{1..2}", "c:train"})
    EXPECT_THAT(names_of(*open(name)), ElementsAre("1.png")) << name;
  EXPECT_THAT(names_of(*open("c," + path("a,b"))), ElementsAre("c/1.png", "a,b/1.png"));
  EXPECT_THAT(reason("c:test"), HasSubstr("a folder of images has no parts"));
}

TEST(Roots, Braces) {
  EXPECT_THAT(roots_of("s-{08..11}.tar:train"),
              ElementsAre("s-08.tar:train", "s-09.tar:train", "s-10.tar:train", "s-11.tar:train"));
  EXPECT_THAT(roots_of("{a,b}/{1..2},c"), ElementsAre("a/1", "a/2", "b/1", "b/2", "c"));
  EXPECT_THAT(roots_of("a{b}c"), ElementsAre("a{b}c"));
  EXPECT_THROW(roots_of("{0..9999999}"), Error);
  EXPECT_THROW(roots_of("{3..1}"), Error);
}

}  // namespace
}  // namespace minissl
