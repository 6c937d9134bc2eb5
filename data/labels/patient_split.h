#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace minissl {

/// Two sides of a data set, as numbers of images in ascending order.
struct PatientSplit {
  std::vector<int64_t> train, test;
};

/// Splits images with labels so that all of a patient are on one side, about `test_fraction` of the images, and of
/// those with each label, on the test side. An image whose patient isn't known is a patient of its own. Depends on the
/// data and the seed alone.
///
/// Greedy, as the iterative stratification of Sechidis, Tsoumakas and Vlahavas (2011): patients with rare labels and
/// many images come first, others in random order; each goes to the side that leaves the shares of images and labels
/// nearer to what they should be. Throws Error for a fraction outside (0, 1) and if a side has no images.
PatientSplit split_by_patient(const Dataset& dataset, double test_fraction, uint64_t seed);

/// Some images with their labels and patients, as a table in minissl's own form (label_table.h). Throws Error for names
/// of labels that the form can't express.
std::string label_csv(const Dataset& dataset, const std::vector<int64_t>& images);

}  // namespace minissl
