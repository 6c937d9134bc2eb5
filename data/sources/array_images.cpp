#include "data/sources/array_images.h"

#include "data/decode/decode.h"
#include "tensor/memory.h"

namespace minissl {

ArrayImages::ArrayImages(const Layout& layout, std::vector<Block> blocks, Annotation annotation, int channels,
                         std::vector<std::string> remarks)
    : layout_(layout),
      blocks_(std::move(blocks)),
      annotation_(std::move(annotation)),
      remarks_(std::move(remarks)),
      channels_(channels) {
  require(layout_.height > 0 && layout_.width > 0 && layout_.width <= max_image_pixels / layout_.height,
          "{}: its images have {} x {} pixels, by its header", blocks_.front().name, layout_.height, layout_.width);
  require(layout_.channels == 1 || layout_.channels == 3, "{}: its images have {} channels; 1 and 3 are read",
          blocks_.front().name, layout_.channels);
  for (const Block& block : blocks_) {
    const int64_t room = block.bytes->size() - block.first;
    require(block.count == 0 || (room >= layout_.bytes() && block.count - 1 <= (room - layout_.bytes()) / block.stride),
            "{}: {} images of {} bytes don't fit into its {} bytes: it is cut short", block.name, block.count,
            layout_.bytes(), block.bytes->size());
    size_ += block.count;
  }
  require(size_ > 0, "{}: there are no images in it", blocks_.front().name);
}

const ArrayImages::Block& ArrayImages::block_of(int64_t& i) const {
  size_t b = 0;
  while (i >= blocks_[b].count) i -= blocks_[b++].count;
  return blocks_[b];
}

Image ArrayImages::load(int64_t i) const {
  const TagScope tag(MemoryTag::data);
  Image image{Tensor::empty({layout_.height, layout_.width, layout_.channels}, DType::u8)};
  int64_t at = i;
  const Block& block = block_of(at);
  const int64_t offset = block.first + at * block.stride, pixels = layout_.height * layout_.width;
  try {
    if (!layout_.planar) {
      block.bytes->read_at(offset, image.pixels.bytes_begin(), static_cast<size_t>(layout_.bytes()));
    } else {
      std::vector<uint8_t> planes(static_cast<size_t>(layout_.bytes()));
      block.bytes->read_at(offset, planes.data(), planes.size());
      auto* to = image.pixels.mutable_data<uint8_t>();
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t c = 0; c < layout_.channels; ++c) *to++ = planes[static_cast<size_t>(c * pixels + p)];
    }
  } catch (const Error& reason) {
    throw ImageError(name(i), reason.what());
  }
  return with_channels(image, channels_);
}

int64_t ArrayImages::label(int64_t i) const {
  return annotation_.classes.empty() ? -1 : annotation_.classes[static_cast<size_t>(i)];
}

std::span<const Label> ArrayImages::labels(int64_t i) const {
  const size_t count = annotation_.label_names.size();
  return std::span(annotation_.labels).subspan(static_cast<size_t>(i) * count, count);
}

std::string ArrayImages::name(int64_t i) const {
  const Block& block = block_of(i);
  return fmt::format("{}/{:06}", block.name, i);
}

}  // namespace minissl
