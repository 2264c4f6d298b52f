// The page of a comparison in Chromium.
#include "reports/browser.h"
#include "temporary.h"
#include "verdicts/compare.h"
#include "verdicts/two_stores.h"

#include <gmock/gmock.h>

#include <memory>
#include <sstream>

namespace fewstep {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

const std::filesystem::path kScreenshots = std::filesystem::path(FEWSTEP_BINARY_DIR).parent_path() / "screenshots";

class ComparePage : public testing::Test {
 protected:
  void SetUp() override {
    if (!Browser::installed()) GTEST_SKIP() << "chromium and chromedriver are not installed: run tools/setup.sh test";
    ArmStore base, other;
    base.cells.clear();
    for (const int steps : {1, 2, 4, 8}) base.cells.push_back({.steps = steps});
    other.cells = base.cells;
    other.sha256 = std::string(64, 'd');
    base.caption = other.caption = "</script><img src=x onerror=alert(2)> a red boat ";
    base.keeps_images = other.keeps_images = true;
    other.jitter = 0.8;
    other.cells[1].clip = -0.7;
    other.cells[3].trips = {{3, kOneColour}};
    write_arm(folder_.path() / "main.sqlite", base);
    write_arm(folder_.path() / "new.sqlite", other);
    CompareRequest request;
    request.baseline = (folder_.path() / "main.sqlite").string();
    request.candidate = (folder_.path() / "new.sqlite").string();
    request.format = "html";
    std::ostringstream out, err;
    EXPECT_EQ(run_compare(request, out, err), 10);
    browser_ = std::make_unique<Browser>();
    browser_->resize(1280, 900);
    browser_->prefer_dark(false);
    browser_->open(folder_.write("compare.html", out.str()));
  }
  void TearDown() override {
    if (!browser_) return;
    EXPECT_THAT(browser_->errors(), IsEmpty());
    EXPECT_THAT(browser_->requests(),
                testing::Each(testing::AnyOf(testing::StartsWith("file:"), testing::StartsWith("data:"))));
  }
  nlohmann::json run(const std::string& script) { return browser_->run(script); }

  TemporaryFolder folder_;
  std::unique_ptr<Browser> browser_;
};

TEST_F(ComparePage, SaysTheVerdictAndWhy) {
  EXPECT_EQ(run("return document.querySelector('h1').textContent"), "regression");
  EXPECT_THAT(run("return [...document.querySelectorAll('.reasons li')].map((one) => one.textContent)")
                  .get<std::vector<std::string>>(),
              Contains(HasSubstr("1 of 100 images trip the wire “one-colour”")));
  browser_->screenshot(kScreenshots / "compare.png", true);
}

TEST_F(ComparePage, ShowsBothPicturesOfThePromptsThatLostMost) {
  EXPECT_GE(run("return document.querySelectorAll('.lost li').length"), 6);
  EXPECT_EQ(run("return [...document.querySelectorAll('.lost li')].filter((one) => "
                "one.querySelectorAll('img').length !== 2).length"),
            0);
  EXPECT_EQ(run("return [...document.images].filter((one) => one.naturalWidth !== 32).length"), 0);
  EXPECT_THAT(run("return document.querySelector('.lost p').textContent").get<std::string>(),
              HasSubstr("</script><img src=x onerror=alert(2)> a red boat"));
}

TEST_F(ComparePage, SortsItsTables) {
  const std::string table = "#table-2 + .scroll";
  browser_->click(table + " th:nth-child(4) button");
  const auto first = run("return document.querySelector('" + table + " td:nth-child(4)').dataset.number");
  browser_->click(table + " th:nth-child(4) button");
  const auto last = run("return document.querySelector('" + table + " td:nth-child(4)').dataset.number");
  EXPECT_LT(std::stod(first.get<std::string>()), std::stod(last.get<std::string>()));
}

TEST_F(ComparePage, FitsAPhoneInTheDark) {
  browser_->resize(390, 844, true);
  browser_->click("#theme");
  EXPECT_EQ(run("return document.documentElement.dataset.theme"), "dark");
  EXPECT_LE(run("return document.documentElement.scrollWidth").get<int>(), 390);
  browser_->screenshot(kScreenshots / "compare-phone.png", true);
}

}  // namespace
}  // namespace fewstep
