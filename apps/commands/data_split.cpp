#include "apps/command.h"
#include "apps/label_flags.h"
#include "apps/open_data.h"
#include "apps/output_check.h"
#include "apps/standard_streams.h"
#include "data/labels/patient_split.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

struct Split {
  std::string data, out;
  LabelFlags tables;
  double test_fraction = 0.2;
  uint64_t seed = 0;

  void run() const {
    require_writable_folder(out);
    const auto dataset = open_labelled_data(data, 3, 0, 0, tables);
    const PatientSplit split = split_by_patient(*dataset, test_fraction, seed);
    fs::create_directories(out);
    write(*dataset, split.train, "train.csv");
    write(*dataset, split.test, "test.csv");
    print(*dataset, split);
  }

 private:
  void write(const Dataset& dataset, const std::vector<int64_t>& images, const char* name) const {
    write_file(fs::path(out) / name, label_csv(dataset, images));
  }

  static void print(const Dataset& dataset, const PatientSplit& split) {
    fmt::print("{:<28} {:>9} {:>9} {:>7}\n", "", "train", "test", "share");
    const auto row = [](const std::string& name, int64_t train, int64_t test) {
      fmt::print("{:<28} {:>9} {:>9} {:>6.1f}%\n", name, train, test,
                 100.0 * static_cast<double>(test) / static_cast<double>(std::max<int64_t>(1, train + test)));
    };
    row("images", static_cast<int64_t>(split.train.size()), static_cast<int64_t>(split.test.size()));
    const auto patients = [&](const std::vector<int64_t>& images) {
      std::set<std::string> known;
      for (const int64_t i : images) known.insert(dataset.patient(i));
      known.erase("");
      return static_cast<int64_t>(known.size());
    };
    const int64_t of_train = patients(split.train), of_test = patients(split.test);
    if (of_train + of_test > 0)
      row("patients", of_train, of_test);
    else
      say("the table knows no patients: each image is taken for one");
    for (size_t l = 0; l < dataset.label_names().size(); ++l) {
      const auto with = [&](const std::vector<int64_t>& images) {
        return std::count_if(images.begin(), images.end(),
                             [&](int64_t i) { return dataset.labels(i)[l] == Label::yes; });
      };
      row(dataset.label_names()[l], with(split.train), with(split.test));
    }
  }
};

}  // namespace

void add_data_split(CLI::App& data) {
  CLI::App& command = add_command(
      data, "split", "Write tables of labels for training and testing, with all images of a patient in one of them");
  auto split = std::make_shared<Split>();
  add_positional(command, "DATA", split->data, data_help);
  add_flag(command, "labels", split->tables.labels,
           "table of labels: path,label;label, or NIH ChestX-ray14's or CheXpert's .csv", {.required = true});
  add_flag(command, "uncertain", split->tables.uncertain, "what CheXpert's uncertain labels count as",
           {.one_of = {"ignore", "0", "1"}});
  add_flag(command, "test-fraction", split->test_fraction, "share of the images in test.csv",
           {.range = Range::above(0, 0.999)});
  add_flag(command, "seed", split->seed, "seed of the order in which patients are assigned", seed_rules());
  add_flag(command, "out", split->out, "the folder for train.csv and test.csv", {.required = true});
  set_action(command, [split] { split->run(); });
}

}  // namespace minissl
