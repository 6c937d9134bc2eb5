#include "tensor/matrix_product.h"

#include <algorithm>

#include "tensor/workspace.h"

namespace minissl {
namespace {

// Terms of a sum that are added up in registers: so many that a part of a panel (12 KiB, or 24) and the rows of a that
// meet it stay in the first-level cache. Products of split numbers are so fast that loading and storing the sums would
// show; with more terms at a time it happens less often.
constexpr int64_t depth_of_whole = 192, depth_of_split = 256;
// Tasks that let threads which get less of the processor than others leave more to those.
constexpr int64_t enough_tasks = 16;
constexpr int64_t least_piece = 1024;
// With so few rows a panel is read too seldom to be worth its packing.
constexpr int64_t few_rows = 48;

constexpr int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }
constexpr int64_t round_up(int64_t n, int64_t to) { return divide_up(n, to) * to; }
constexpr int64_t round_down(int64_t n, int64_t to) { return n / to * to; }

// Below these sizes splitting and packing takes longer than the faster product saves.
Panels panels_for(const ProductShape& s) {
  return s.m >= 64 && s.n >= 128 && s.k >= 128 ? Panels::split_if_faster() : Panels::whole();
}

// Where a matrix, or its transpose, has row `row` and column `column`.
Factor part(const Factor& f, bool transposed, int64_t row, int64_t column) {
  return {f.data + (transposed ? column * f.stride + row : row * f.stride + column), f.stride};
}

}  // namespace

// The memory of a slot.
struct MatrixProduct::Slot {
  float *b, *a, *tile;  // panels of b; packed rows of a; the result
};

// The matrix that a task writes its tile to, what it adds to the tile, and how it finishes the sums.
struct MatrixProduct::Result {
  float* data;
  int64_t stride;
  simd::Addend addend;
  Finish finish;
};

MatrixProduct::MatrixProduct(const ProductShape& shape, int64_t threads, bool in_pieces)
    : panels_(panels_for(shape)),
      swapped_(!panels_.split() && shape.transpose_b && !shape.transpose_a && 2 * shape.m <= shape.n),
      m_(swapped_ ? shape.n : shape.m),
      n_(swapped_ ? shape.m : shape.n),
      k_(shape.k),
      transpose_a_(swapped_ ? false : shape.transpose_a),
      transpose_b_(swapped_ ? true : shape.transpose_b),
      piece_(shape.k) {
  const int64_t m = m_, n = n_, k = k_;
  const int64_t step = panels_.rows(), panel = panels_.width();
  block_depth_ = panels_.split() ? depth_of_split : depth_of_whole;
  if (m <= few_rows && !transpose_b_ && n % panels_.vector() == 0)
    packing_ = Packing::none;
  else
    packing_ = m >= 480 && k <= 4096 ? Packing::before : Packing::by_task;
  // Tiles and what they are made of stay in the second-level cache: 120 rows of a at a time, and where a task packs b
  // as well, all columns of b that the tile meets. A tile of short sums is in c itself.
  const bool before = packing_ == Packing::before;
  tile_columns_ = std::min<int64_t>(256, round_up(std::max<int64_t>(n, 1), panel));
  tile_rows_ = before ? (k <= block_depth_ ? 24 : 120) : 240;
  tile_rows_ = std::min(std::max(step, round_down(tile_rows_, step)), round_up(std::max<int64_t>(m, 1), step));
  row_block_ = round_up(divide_up(tile_rows_, divide_up(tile_rows_, 120)), step);
  const auto tiles = [&] { return divide_up(m, tile_rows_) * divide_up(n, tile_columns_); };
  if (in_pieces && k >= 2 * least_piece) {
    pieces_ = std::clamp<int64_t>(enough_tasks / std::max<int64_t>(tiles(), 1), 1, k / least_piece);
    piece_ = round_up(divide_up(k, pieces_), block_depth_);
    pieces_ = divide_up(k, piece_);
  }
  while (tiles() * pieces_ < enough_tasks && tile_columns_ > 2 * panel)
    tile_columns_ = round_up(tile_columns_ / 2, panel);
  row_tiles_ = divide_up(m, tile_rows_), column_tiles_ = divide_up(n, tile_columns_);
  slots_ = std::max<int64_t>(1, std::min(threads, tasks()));
}

int64_t MatrixProduct::packed_floats() const {
  return packing_ == Packing::before ? panels_.floats(k_) * round_up(n_, panels_.width()) : 0;
}

int64_t MatrixProduct::floats_of_a() const {
  return panels_.packs_rows(transpose_a_) ? panels_.floats(block_depth_) * row_block_ : 0;
}
int64_t MatrixProduct::floats_of_b() const {
  return packing_ == Packing::by_task ? panels_.floats(block_depth_) * tile_columns_ : 0;
}
int64_t MatrixProduct::floats_of_slot() const { return floats_of_b() + floats_of_a() + tile_rows_ * tile_columns_; }

// Where b's rows from k on, and columns from `column` on, are if all of b is packed before the product.
int64_t MatrixProduct::packed_stride() const { return panels_.width() * panels_.floats(k_); }
int64_t MatrixProduct::packed_place(int64_t k, int64_t column) const {
  return column * panels_.floats(k_) + panels_.width() * panels_.floats(k);
}

void MatrixProduct::pack_all(const Factor& b, float* packed) const {
  const int64_t columns = 8 * panels_.width(), column_blocks = divide_up(n_, columns);
  parallel_for(column_blocks * divide_up(k_, block_depth_), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i % column_blocks * columns, k = i / column_blocks * block_depth_;
      panels_.pack(part(b, transpose_b_, k, column), transpose_b_, std::min(block_depth_, k_ - k),
                   std::min(n_ - column, columns), packed + packed_place(k, column), packed_stride());
    }
  });
}

// Terms [k, k + depth) of some columns of b.
Panels::Columns MatrixProduct::columns_of_task(const Factor& b, const float* packed, float* buffer, int64_t k,
                                               int64_t depth, int64_t column, int64_t columns) const {
  const Factor from = part(b, transpose_b_, k, column);
  if (packing_ == Packing::none) return {from.data, panels_.width(), b.stride};
  if (packing_ == Packing::before) return {packed + packed_place(k, column), packed_stride(), panels_.width()};
  return panels_.pack(from, transpose_b_, depth, columns, buffer, panels_.width() * panels_.floats(depth));
}

// Moves a tile's part to its place.
void MatrixProduct::place(const float* tile, int64_t row, int64_t rows, int64_t column, int64_t columns,
                          const Result& c) const {
  const simd::Addend& addend = c.addend;
  if (!swapped_) {
    for (int64_t r = row; r < row + rows; ++r, tile += tile_columns_) {
      float* to = c.data + r * c.stride + column;
      const float* added = addend.data ? addend.data + r * addend.stride + column : nullptr;
      for (int64_t i = 0; i < columns; ++i) to[i] = added ? added[i] + tile[i] : tile[i];
    }
    return;
  }
  for (int64_t i = 0; i < columns; ++i) {
    float* to = c.data + (column + i) * c.stride + row;
    const float* added = addend.data ? addend.data + (column + i) * addend.stride + row : nullptr;
    for (int64_t r = 0; r < rows; ++r) {
      const float value = tile[r * tile_columns_ + i];
      to[r] = added ? added[r] + value : value;
    }
  }
}

void MatrixProduct::finish_rows(int64_t row, int64_t rows, int64_t column, int64_t columns, const Result& c) const {
  if (!c.finish) return;
  if (swapped_) std::swap(row, column), std::swap(rows, columns);
  for (int64_t r = row; r < row + rows; ++r) c.finish.apply(c.data, r * c.stride + column, column, columns);
}

void MatrixProduct::run_task(int64_t task, const Factor& a, const Factor& b, const float* packed, const Result& c,
                             const Slot& slot) const {
  const int64_t column_tile = task % column_tiles_, row_tile = task / column_tiles_ % row_tiles_;
  const int64_t piece = task / column_tiles_ / row_tiles_;
  const int64_t first_row = row_tile * tile_rows_, last_row = std::min(m_, first_row + tile_rows_);
  const int64_t first_column = column_tile * tile_columns_, last_column = std::min(n_, first_column + tile_columns_);
  const int64_t columns = last_column - first_column;
  const int64_t first_k = piece * piece_, last_k = std::min(k_, first_k + piece_);
  // Sums end in c itself where its columns are whole vectors: the processor then writes while it multiplies.
  const bool direct = !swapped_ && columns % panels_.vector() == 0;
  for (int64_t k = first_k; k < last_k; k += block_depth_) {
    const int64_t depth = std::min(block_depth_, last_k - k);
    const bool first = k == first_k, last = k + depth == last_k;
    const Panels::Columns b_columns = columns_of_task(b, packed, slot.b, k, depth, first_column, columns);
    for (int64_t row = first_row; row < last_row; row += row_block_) {
      const int64_t rows = std::min(row_block_, last_row - row);
      const Panels::Rows a_rows = panels_.pack_rows(part(a, transpose_a_, row, k), transpose_a_, rows, depth, slot.a);
      float* const in_tile = slot.tile + (row - first_row) * tile_columns_;
      float* const in_c = c.data + row * c.stride + first_column;
      simd::Addend addend{first ? nullptr : in_tile, tile_columns_};
      if (direct && first && c.addend.data)
        addend = {c.addend.data + row * c.addend.stride + first_column, c.addend.stride};
      const bool to_c = direct && last;
      panels_.multiply(rows, round_up(columns, panels_.vector()), depth, a_rows, b_columns, to_c ? in_c : in_tile,
                       to_c ? c.stride : tile_columns_, addend);
      if (!last) continue;
      if (!direct) place(in_tile, row, rows, first_column, columns, c);
      finish_rows(row, rows, first_column, columns, c);
    }
  }
}

void MatrixProduct::run(Factor a, Factor b, float* c, int64_t c_stride, simd::Addend addend, float* workspace,
                        const Finish& finish) const {
  if (swapped_) std::swap(a, b);
  // Pieces of sums are added up first and finished at the end.
  const Result result{c, c_stride, addend, pieces_ == 1 ? finish : Finish{}};
  if (k_ == 0) {
    for (int64_t row = 0; row < m_; ++row)
      for (int64_t column = 0; column < n_; ++column) {
        const float zero = 0;
        place(&zero, row, 1, column, 1, result);
      }
    finish_rows(0, m_, 0, n_, result);
    return;
  }
  float *const packed = workspace, *const slots = packed + packed_floats();
  float* const partial = slots + slots_ * floats_of_slot();
  const int64_t partial_stride = swapped_ ? m_ : n_;
  if (packing_ == Packing::before) pack_all(b, packed);
  const auto run_tasks = [&](int64_t number, int64_t begin, int64_t end) {
    float* memory = slots + number * floats_of_slot();
    const Slot slot{memory, memory + floats_of_b(), memory + floats_of_b() + floats_of_a()};
    for (int64_t task = begin; task < end; ++task) {
      const int64_t piece = task / (column_tiles_ * row_tiles_);
      run_task(task, a, b, packed,
               piece == 0 ? result : Result{partial + (piece - 1) * m_ * n_, partial_stride, {}, {}}, slot);
    }
  };
  if (slots_ == 1)
    run_tasks(0, 0, tasks());
  else
    for_parts(tasks(), 1, run_tasks);
  if (pieces_ == 1) return;
  const int64_t rows = swapped_ ? n_ : m_;
  parallel_for(rows, std::max<int64_t>(1, 4096 / partial_stride), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t piece = 0; piece < pieces_ - 1; ++piece) {
        const float* from = partial + (piece * rows + row) * partial_stride;
        float* to = c + row * c_stride;
        for (int64_t column = 0; column < partial_stride; ++column) to[column] += from[column];
      }
      if (finish) finish.apply(c, row * c_stride, 0, partial_stride);
    }
  });
}

void MatrixProduct::run(Factor a, Factor b, float* c, int64_t c_stride, simd::Addend addend,
                        const Finish& finish) const {
  Workspace workspace(floats());
  run(a, b, c, c_stride, addend, workspace.take(floats()), finish);
}

}  // namespace minissl
