#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/labels/csv.h"
#include "data/labels/labelled_images.h"
#include "data/labels/patient_split.h"
#include "tensor/atomic_file.h"
#include "tests/data/image_files.h"

namespace minissl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using enum Label;

/// Names without images.
class Named final : public Dataset {
 public:
  explicit Named(std::vector<std::string> names) : names_(std::move(names)) {}
  int64_t size() const override { return static_cast<int64_t>(names_.size()); }
  Image load(int64_t) const override { throw Error("an image was asked for"); }
  int64_t label(int64_t) const override { return 0; }
  std::string name(int64_t i) const override { return names_[static_cast<size_t>(i)]; }
  const std::vector<std::string>& class_names() const override { return names_; }

 private:
  std::vector<std::string> names_;
};

class Labels : public testing::Test {
 protected:
  std::filesystem::path csv(const std::string& text) const {
    write_file(folder_.file("l.csv"), text);
    return folder_.file("l.csv");
  }
  LabelTable table(const std::string& text, Uncertain uncertain = Uncertain::ignore) const {
    return read_label_table(csv(text), uncertain);
  }
  template <class Call>
  static std::string reason(Call call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::string refusal(const std::string& text) const {
    return reason([&] { table(text); });
  }
  static std::vector<Label> row(const LabelTable& table, size_t r) {
    const auto labels = table.of_row(r);
    return {labels.begin(), labels.end()};
  }
  static LabelledImages join(std::vector<std::string> names, const LabelTable& table) {
    return {std::make_shared<Named>(std::move(names)), table};
  }
  test::TemporaryFolder folder_;
};

TEST_F(Labels, CsvIsThatOfRfc4180) {
  std::vector<std::vector<std::string>> rows;
  std::vector<int64_t> lines;
  for_each_csv_row(csv("\xEF\xBB\xBF"
                       "a,b\r\n\r\n\"x,\"\"y\"\"\n2\", spaces \r\n,\nlast,\"\""),
                   [&](const CsvRow& row) {
                     rows.push_back(row.fields);
                     lines.push_back(row.line);
                   });
  EXPECT_THAT(rows, ElementsAre(ElementsAre("a", "b"), ElementsAre("x,\"y\"\n2", " spaces "), ElementsAre("", ""),
                                ElementsAre("last", "")));
  EXPECT_THAT(lines, ElementsAre(1, 3, 5, 6));
  const auto refuse = [&](const std::string& text) {
    return reason([&] { for_each_csv_row(csv(text), [](const CsvRow&) {}); });
  };
  EXPECT_THAT(refuse("a\nb,\"open\nc\n"), HasSubstr("l.csv: line 2: "));
  EXPECT_THAT(refuse("a,b\nx\"y,z\n"), HasSubstr("l.csv: line 2: "));
  for (const std::string field : {"plain", "with,comma", "with\"quote", "two\nlines"}) {
    std::string read;
    for_each_csv_row(csv(csv_field(field) + ",x\n"), [&](const CsvRow& row) { read = row.fields[0]; });
    EXPECT_EQ(read, field);
  }
}

TEST_F(Labels, OwnForm) {
  const LabelTable own = table("path,labels,patient\na.png,mass; edema,7\n./b.png,,7\n\"c,1.png\",?mass,8\n");
  EXPECT_THAT(own.names, ElementsAre("edema", "mass"));
  EXPECT_THAT(row(own, 0), ElementsAre(yes, yes));
  EXPECT_THAT(row(own, 1), ElementsAre(no, no));
  EXPECT_THAT(row(own, 2), ElementsAre(no, unknown));
  EXPECT_EQ(own.rows[1].path, "b.png");
  EXPECT_EQ(own.rows[2].patient, "8");
  EXPECT_THAT(row(table("a.png,cat\nb.png,dog;cat\n"), 1), ElementsAre(yes, yes)) << "without a first line of names";
  EXPECT_THAT(table("row,path,label\n0,a.png,cat\n").rows[0].path, "a.png") << "embed's table";
}

// The first lines of Data_Entry_2017.csv, in its published form.
TEST_F(Labels, NihChestXray14) {
  const LabelTable nih = table(
      "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,"
      "Height],OriginalImagePixelSpacing[x,y],\n"
      "00000001_000.png,Cardiomegaly,0,1,058Y,M,PA,2682,2749,0.143,0.143,\n"
      "00000001_001.png,Cardiomegaly|Emphysema,1,1,058Y,M,PA,2894,2729,0.143,0.143,\n"
      "00000002_000.png,No Finding,0,2,081Y,M,PA,2500,2048,0.171,0.171\n");
  EXPECT_THAT(nih.names, ElementsAre("Cardiomegaly", "Emphysema"));
  EXPECT_THAT(row(nih, 1), ElementsAre(yes, yes));
  EXPECT_THAT(row(nih, 2), ElementsAre(no, no));
  EXPECT_EQ(nih.rows[1].patient, "1");
  const LabelledImages images = join({"images_001.tar.gz/images/00000002_000.png", "00000001_001.png"}, nih);
  EXPECT_THAT(images.labels(0), ElementsAre(no, no));
  EXPECT_EQ(images.patient(0), "2");
  EXPECT_THAT(images.labels(1), ElementsAre(yes, yes));
  EXPECT_THAT(images.join_remarks(), ElementsAre(HasSubstr("1 of 3 rows have no image: 00000001_000.png")));
}

const std::string chexpert =
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly\n"
    "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0,,0.0\n"
    "CheXpert-v1.0-small/train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,AP,,-1.0,1.0\n"
    "CheXpert-v1.0-small/train/patient00002/study1/view2_lateral.jpg,Female,83,Lateral,,,0,1\n";

TEST_F(Labels, CheXpert) {
  const LabelTable ignored = table(chexpert);
  EXPECT_THAT(ignored.names, ElementsAre("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly"));
  EXPECT_THAT(row(ignored, 0), ElementsAre(yes, no, no));
  EXPECT_THAT(row(ignored, 1), ElementsAre(no, unknown, yes));
  EXPECT_THAT(row(ignored, 2), ElementsAre(no, no, yes));
  EXPECT_EQ(ignored.rows[1].patient, "patient00002");
  EXPECT_THAT(row(table(chexpert, Uncertain::yes), 1), ElementsAre(no, yes, yes));
  EXPECT_THAT(row(table(chexpert, Uncertain::no), 1), ElementsAre(no, no, yes));
  for (const char* above : {"", "train/", "CheXpert-v1.0-small/train/", "D/CheXpert-v1.0-small/train/"}) {
    const LabelledImages images = join({above + std::string("patient00001/study1/view1_frontal.jpg"),
                                        above + std::string("patient00002/study2/view1_frontal.jpg")},
                                       ignored);
    EXPECT_THAT(images.labels(1), ElementsAre(no, unknown, yes)) << above;
    EXPECT_EQ(images.patient(0), "patient00001") << above;
    EXPECT_TRUE(images.class_names().empty());
  }
}

TEST_F(Labels, WrongTablesAreOneLine) {
  EXPECT_THAT(refusal("path,labels\na.png,x\na.png,y\n"), HasSubstr("l.csv: line 3 names a.png again, after line 2"));
  EXPECT_THAT(refusal("path,labels\na.png\n"), HasSubstr("l.csv: line 2 has 1 fields; 2 are needed"));
  EXPECT_THAT(refusal("path,labels\na.png,x,y\n"), HasSubstr("l.csv: line 2 has 3 fields, and the first line 2"));
  EXPECT_THAT(refusal("path,labels\n,x\n"), HasSubstr("l.csv: line 2 names no image"));
  EXPECT_THAT(refusal("path,labels\na.png,\n"), HasSubstr("there is no label in it"));
  EXPECT_THAT(refusal("path,labels\n"), HasSubstr("there are no rows in it"));
  EXPECT_THAT(refusal(""), HasSubstr("there are no rows in it"));
  EXPECT_THAT(refusal("one,two,three,four\n"), HasSubstr("line 1 has neither the columns of NIH"));
  EXPECT_THAT(refusal(chexpert + "p/patient1/a.jpg,F,1,Frontal,AP,2.0,,\n"),
              HasSubstr("line 5 has \"2.0\" for No Finding; there are 1, 0, -1 and nothing"));
  EXPECT_THAT(reason([] { read_label_table("/nowhere/l.csv"); }), HasSubstr("/nowhere/l.csv"));
}

TEST_F(Labels, EveryImageAndEveryRowIsAccountedFor) {
  const LabelTable own = table("path,labels\na/1.png,x\nb/1.png,x;y\nc/3.png,y\n");
  const LabelledImages images = join({"a/1.png", "a/2.png", "b/1.png", "z.png"}, own);
  ASSERT_EQ(images.size(), 2);
  EXPECT_EQ(images.name(1), "b/1.png");
  EXPECT_EQ(images.label(1), -1);
  EXPECT_THAT(images.join_remarks(),
              ElementsAre(HasSubstr("2 of 4 images have no row in it and are left out: a/2.png, z.png"),
                          HasSubstr("1 of 3 rows have no image: c/3.png")));
  EXPECT_THAT(join({"a/1.png", "b/1.png", "c/3.png"}, own).join_remarks(), IsEmpty());
  EXPECT_THAT(reason([&] { join({"q.png"}, own); }), HasSubstr("not one of its 3 rows is of one of the 1 images"));
  // An exact name is meant; otherwise one of two is an Error.
  EXPECT_THAT(join({"x/1.png"}, table("path,labels\nx/1.png,a\n1.png,b\n")).labels(0), ElementsAre(yes, no));
  EXPECT_THAT(reason([&] { join({"1.png"}, own); }), HasSubstr("the paths of several lines end with 1.png"));
  EXPECT_THAT(reason([&] {
                join({"x/1.png", "y/1.png"}, table("path,labels\n1.png,a\n"));
              }),
              HasSubstr("line 2 (1.png) may be of the image x/1.png or of y/1.png"));
  EXPECT_THAT(reason([&] { join({"x/1.png"}, table("path,labels\nw/x/1.png,a\n1.png,b\n")); }),
              HasSubstr("may be of line 2 or of line 3"));
}

TEST_F(Labels, TablesAreAlignedByName) {
  const LabelTable listed = with_names(table("path,labels\na,x\n"), {"y", "x"});
  EXPECT_THAT(row(listed, 0), ElementsAre(no, yes));
  EXPECT_THAT(row(with_names(table(chexpert), {"Edema", "Cardiomegaly"}), 1), ElementsAre(unknown, yes));
}

class Split : public Labels {
 protected:
  // 300 patients with 1 to 6 images; labels of 40%, 8% and 1% of the images.
  LabelledImages images() const {
    std::string text = "path,labels,patient\n";
    std::vector<std::string> names;
    uint64_t x = 1;
    const auto draw = [&](uint64_t n) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      return (x >> 33) % n;
    };
    for (int patient = 0; patient < 300; ++patient)
      for (uint64_t image = 0, count = 1 + draw(6); image < count; ++image) {
        names.push_back(fmt::format("{}/{}.png", patient, image));
        text += fmt::format("{},{}{}{},{}\n", names.back(), draw(100) < 40 ? "common;" : "",
                            draw(100) < 8 ? "less;" : "", draw(100) < 1 ? "rare" : "", patient);
      }
    return join(names, table(text));
  }
};

TEST_F(Split, PatientsAreOnOneSideAndLabelsAreBalanced) {
  const LabelledImages all = images();
  const PatientSplit split = split_by_patient(all, 0.2, 3);
  ASSERT_EQ(static_cast<int64_t>(split.train.size() + split.test.size()), all.size());
  std::set<std::string> train;
  for (const int64_t i : split.train) train.insert(all.patient(i));
  for (const int64_t i : split.test) EXPECT_FALSE(train.contains(all.patient(i)));
  EXPECT_NEAR(static_cast<double>(split.test.size()) / static_cast<double>(all.size()), 0.2, 0.01);
  for (size_t l = 0; l < all.label_names().size(); ++l) {
    const auto count = [&](const std::vector<int64_t>& side) {
      return static_cast<double>(
          std::count_if(side.begin(), side.end(), [&](int64_t i) { return all.labels(i)[l] == yes; }));
    };
    const double tested = count(split.test), total = tested + count(split.train);
    EXPECT_NEAR(tested, 0.2 * total, std::max(1.5, 0.02 * total)) << all.label_names()[l];
    EXPECT_GT(tested, 0) << all.label_names()[l];
  }
  const PatientSplit again = split_by_patient(all, 0.2, 3), other = split_by_patient(all, 0.2, 4);
  EXPECT_EQ(split.test, again.test);
  EXPECT_NE(split.test, other.test);
}

TEST_F(Split, WhatIsWrittenIsReadAsTheSame) {
  const LabelledImages all = join({"CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg",
                                   "CheXpert-v1.0-small/train/patient00002/study2/view1_frontal.jpg"},
                                  table(chexpert));
  const LabelTable read = table(label_csv(all, {0, 1}));
  const LabelTable aligned = with_names(read, all.label_names());
  for (size_t r = 0; r < 2; ++r) {
    EXPECT_EQ(row(aligned, r), std::vector<Label>(all.labels(static_cast<int64_t>(r)).begin(),
                                                  all.labels(static_cast<int64_t>(r)).end()));
    EXPECT_EQ(read.rows[r].patient, all.patient(static_cast<int64_t>(r)));
    EXPECT_EQ(read.rows[r].path, all.name(static_cast<int64_t>(r)));
  }
}

TEST_F(Split, ImpossibleSplitsAreRefused) {
  const LabelledImages one = join({"a", "b"}, table("path,labels,patient\na,x,1\nb,x,1\n"));
  EXPECT_THAT(reason([&] { split_by_patient(one, 0.5, 0); }), HasSubstr("2 images of 1 patients can't be split"));
  EXPECT_THAT(reason([&] { split_by_patient(one, 1, 0); }), HasSubstr("`test-fraction` is between 0 and 1, not 1"));
}

}  // namespace
}  // namespace minissl
