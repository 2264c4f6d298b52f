#include "images/contact_sheet.h"

#include "core/error.h"
#include "temporary.h"

#include <gtest/gtest.h>

#include <vector>

namespace fewstep {
namespace {

Image plain(int height, int width, std::uint8_t value) {
  return {height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height) * width * 3, value)};
}

TEST(ContactSheet, PutsImagesRowByRowOnWhite) {
  std::vector<Image> images;
  for (int i = 0; i < 5; ++i) images.push_back(plain(2, 3, static_cast<std::uint8_t>(10 * i)));
  const Image sheet = contact_sheet(images);
  ASSERT_EQ(sheet.width, 3 * 3 + 2 * 4) << "three columns, four white pixels between them";
  ASSERT_EQ(sheet.height, 2 * 2 + 4);
  const auto at = [&](int y, int x) { return int{sheet.rgb[(static_cast<std::size_t>(y) * sheet.width + x) * 3]}; };
  EXPECT_EQ(at(0, 0), 0);
  EXPECT_EQ(at(1, 9), 10);
  EXPECT_EQ(at(0, 14), 20);
  EXPECT_EQ(at(6, 2), 30);
  EXPECT_EQ(at(7, 7), 40);
  EXPECT_EQ(at(0, 3), 255);
  EXPECT_EQ(at(7, 14), 255) << "no sixth image";
  EXPECT_EQ(contact_sheet(std::vector<Image>{plain(4, 4, 7)}), plain(4, 4, 7));
}

TEST(ContactSheet, RefusesTwoSizes) {
  EXPECT_FEWSTEP_ERROR(contact_sheet(std::vector<Image>{plain(2, 2, 0), plain(2, 3, 0)}), ExitCode::kInput, "one size");
}

}  // namespace
}  // namespace fewstep
