#include "reports/report.h"

#include "reports/browser.h"
#include "reports/synthetic_store.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <chrono>
#include <sstream>

namespace fewstep {
namespace {

const std::filesystem::path kScreenshots = std::filesystem::path(FEWSTEP_BINARY_DIR).parent_path() / "screenshots";

SyntheticStore full_store() {
  SyntheticStore wanted;
  wanted.images = 24;
  wanted.captions = {
      "a red boat on a calm lake at dawn, oil painting",
      "<script>alert(1)</script>",
      "portrait of an astronaut, studio light, 85mm",
      "</script><img src=x onerror=alert(2)> \u202eevil & \"quoted\"",
      "a very long prompt that goes on and on about the light in the trees, the dew on the grass, a fox that looks "
      "back "
      "over its shoulder, trending, highly detailed, 8k, volumetric light, soft shadows, and a word without end: "
      "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
      "two cats asleep on a green sofa",
      "isometric city block, pastel colours",
      "ein Leuchtturm im Sturm, Aquarell",
      "macro photograph of a bee on lavender"};
  wanted.omegas = {4, 7};
  wanted.kept_images = 12;
  wanted.scored_prompts = true;
  return wanted;
}

class Page : public testing::Test {
 protected:
  void SetUp() override {
    if (!Browser::installed()) GTEST_SKIP() << "chromium and chromedriver are not installed: run tools/setup.sh build";
    browser_ = std::make_unique<Browser>();
    browser_->resize(1280, 900);
  }

  void write_page(const SyntheticStore& wanted) {
    ReportRequest request;
    synthetic_store(request.store = folder_.path() / "synthetic.sqlite", wanted);
    request.format = "html";
    request.output = page_ = folder_.path() / "page.html";
    std::ostringstream out, err;
    ASSERT_EQ(run_report(request, out, err), 0);
  }

  TemporaryFolder folder_;
  std::filesystem::path page_;
  std::unique_ptr<Browser> browser_;
};

TEST_F(Page, Looks) {
  write_page(full_store());
  browser_->open(page_);
  for (const auto& e : browser_->errors()) ADD_FAILURE() << e;
  std::cerr << std::filesystem::file_size(page_) << "\n";
  for (const bool dark : {false, true}) {
    browser_->prefer_dark(dark);
    browser_->screenshot(kScreenshots / (dark ? "wide-dark.png" : "wide-light.png"), true);
  }
  browser_->prefer_dark(false);
  browser_->resize(390, 844, true);
  browser_->screenshot(kScreenshots / "phone.png", true);
}

}  // namespace
}  // namespace fewstep
