#include "tensor/ops/cells.h"

#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

Sample sample(const char* name, int64_t images, int64_t shown, int64_t grid, int64_t extent) {
  return {.operation = ops::CellPositions::name,
          .name = name,
          .inputs = {class_indices({images, shown}, grid * grid)},
          .run = [=](const Tensors& in) { return Tensors{ops::cell_positions(in[0], grid, extent)}; },
          .no_derivative = "it gives numbers of rows"};
}

// Distinct cells of each image: steps of 5 have no factor in common with the grids below.
Sample places_sample(const char* name, int64_t images, int64_t shown, int64_t grid, int64_t extent) {
  return {.operation = ops::CellPlaces::name,
          .name = name,
          .inputs = {class_indices({images, 1}, grid * grid)},
          .derive =
              [=](const Tensors& in) {
                const Tensor cells = Tensor::empty({images, shown}, DType::i64);
                for (int64_t i = 0; i < cells.numel(); ++i)
                  cells.mutable_data<int64_t>()[i] = (in[0].data<int64_t>()[i / shown] + 5 * i) % (grid * grid);
                return Tensors{cells};
              },
          .run = [=](const Tensors& in) { return Tensors{ops::cell_places(in[0], grid, extent)}; },
          .no_derivative = "it gives numbers of rows"};
}

}  // namespace

Family cells_family() {
  Family family;
  family.samples = {sample("of_one_pixel", 2, 5, 4, 4),
                    sample("of_nine_pixels", 3, 2, 3, 9),
                    sample("one_cell", 1, 1, 1, 7),
                    places_sample("of_one_pixel", 2, 5, 4, 4),
                    places_sample("of_nine_pixels", 3, 2, 3, 9),
                    places_sample("every_cell", 2, 4, 2, 6)};
  family.errors = {
      {"cell_positions", "grid_does_not_divide",
       [] {
         ops::cell_positions(Tensor::zeros({2, 3}, DType::i64), 3, 8);
       },
       "8 pixels does not fall into 3"},
      {"cell_places", "grid_does_not_divide",
       [] {
         ops::cell_places(Tensor::zeros({2, 3}, DType::i64), 3, 8);
       },
       "8 pixels does not fall into 3"},
      {"cell_places", "type",
       [] {
         ops::cell_places(Tensor::zeros({2, 3}), 2, 8);
       },
       "f32[2, 3]"},
      {"cell_positions", "type",
       [] {
         ops::cell_positions(Tensor::zeros({2, 3}), 2, 8);
       },
       "f32[2, 3]"},
  };
  return family;
}

}  // namespace minissl::samples
