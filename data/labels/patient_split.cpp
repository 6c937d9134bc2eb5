#include "data/labels/patient_split.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "data/labels/csv.h"
#include "tensor/random.h"

namespace minissl {
namespace {

/// A patient's images, and how many of them have each label; the last count is of all.
struct Patient {
  std::vector<int64_t> images;
  std::vector<double> counts;
};

std::vector<Patient> patients_of(const Dataset& dataset) {
  std::vector<Patient> patients;
  std::map<std::string, size_t> number;
  const size_t labels = dataset.label_names().size();
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const std::string name = dataset.patient(i);
    size_t at = patients.size();
    if (!name.empty()) at = number.try_emplace(name, at).first->second;
    if (at == patients.size()) patients.push_back({{}, std::vector<double>(labels + 1)});
    patients[at].images.push_back(i);
    const std::span<const Label> of_image = dataset.labels(i);
    for (size_t l = 0; l < labels; ++l) patients[at].counts[l] += of_image[l] == Label::yes;
    ++patients[at].counts[labels];
  }
  return patients;
}

std::vector<size_t> order_of(const std::vector<Patient>& patients, const std::vector<double>& totals, uint64_t seed) {
  std::vector<double> weight;
  for (const Patient& patient : patients) {
    double shares = 0;
    for (size_t l = 0; l < totals.size(); ++l) shares += totals[l] > 0 ? patient.counts[l] / totals[l] : 0;
    weight.push_back(shares);
  }
  std::vector<size_t> order(patients.size());
  std::iota(order.begin(), order.end(), size_t{0});
  shuffle(std::span(order), Random(seed, RandomSite::split));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return weight[a] > weight[b]; });
  return order;
}

}  // namespace

PatientSplit split_by_patient(const Dataset& dataset, double test_fraction, uint64_t seed) {
  require(test_fraction > 0 && test_fraction < 1, "`test-fraction` is between 0 and 1, not {}", test_fraction);
  const std::vector<Patient> patients = patients_of(dataset);
  std::vector<double> totals(dataset.label_names().size() + 1);
  for (const Patient& patient : patients)
    for (size_t l = 0; l < totals.size(); ++l) totals[l] += patient.counts[l];

  PatientSplit split;
  std::vector<double> seen(totals.size()), tested(totals.size());
  for (const size_t p : order_of(patients, totals, seed)) {
    const Patient& patient = patients[p];
    double to_train = 0, to_test = 0;
    for (size_t l = 0; l < totals.size(); ++l) {
      if (totals[l] == 0) continue;
      seen[l] += patient.counts[l];
      const double lacking = test_fraction * seen[l] - tested[l];
      to_train += lacking * lacking / (totals[l] * totals[l]);
      to_test += (lacking - patient.counts[l]) * (lacking - patient.counts[l]) / (totals[l] * totals[l]);
    }
    const bool tests = to_test < to_train;
    std::vector<int64_t>& side = tests ? split.test : split.train;
    side.insert(side.end(), patient.images.begin(), patient.images.end());
    for (size_t l = 0; tests && l < totals.size(); ++l) tested[l] += patient.counts[l];
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.test.begin(), split.test.end());
  require(!split.train.empty() && !split.test.empty(),
          "{} images of {} patients can't be split so that {} of them are on the test side; choose another "
          "`test-fraction`",
          dataset.size(), patients.size(), test_fraction);
  return split;
}

std::string label_csv(const Dataset& dataset, const std::vector<int64_t>& images) {
  for (const std::string& name : dataset.label_names())
    require(name.find(';') == name.npos && !name.starts_with('?') && !name.starts_with(' ') && !name.ends_with(' '),
            "the label \"{}\" can't be in a table of minissl's own form, which separates labels by ; and marks unknown "
            "ones "
            "by ?",
            name);
  std::string csv = "path,labels,patient\n";
  for (const int64_t i : images) {
    std::string listed;
    const std::span<const Label> of_image = dataset.labels(i);
    for (size_t l = 0; l < of_image.size(); ++l)
      if (of_image[l] != Label::no)
        listed += fmt::format("{}{}{}", listed.empty() ? "" : ";", of_image[l] == Label::unknown ? "?" : "",
                              dataset.label_names()[l]);
    csv += fmt::format("{},{},{}\n", csv_field(dataset.name(i)), csv_field(listed), csv_field(dataset.patient(i)));
  }
  return csv;
}

}  // namespace minissl
