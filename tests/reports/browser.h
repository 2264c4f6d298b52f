#pragma once
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// Headless Chromium, driven through chromedriver (W3C WebDriver). Every function throws std::runtime_error with the
// driver's message when something fails.
class Browser {
 public:
  static bool installed();  // chromium and chromedriver are in PATH

  Browser();
  ~Browser();
  Browser(const Browser&) = delete;

  void open(const std::filesystem::path& page);
  // The value that a function body gives back: run("return document.title").
  nlohmann::json run(const std::string& script);
  // A real click on, or keys into, the one element that a CSS selector finds; scrolls to it.
  void click(const std::string& selector);
  void type(const std::string& selector, const std::string& text);
  // Keys to whatever has the focus.
  void press(const std::string& key, int times = 1);
  // Of the viewport in CSS pixels; mobile as a phone lays out.
  void resize(int width, int height, bool mobile = false);
  void prefer_dark(bool dark);
  void screenshot(const std::filesystem::path& png, bool full_page = false);
  // Console messages of level SEVERE, and URLs asked for, since the last call of each.
  std::vector<std::string> errors();
  std::vector<std::string> requests();

  static constexpr const char* kTab = "\uE004";
  static constexpr const char* kEnter = "\uE007";
  static constexpr const char* kEscape = "\uE00C";
  static constexpr const char* kLeft = "\uE012";
  static constexpr const char* kRight = "\uE014";

 private:
  nlohmann::json call(const std::string& method, const std::string& path, const nlohmann::json& body = {});
  nlohmann::json session(const std::string& method, const std::string& path, const nlohmann::json& body = {});
  nlohmann::json devtools(const std::string& command, const nlohmann::json& parameters);
  std::string find(const std::string& selector);
  std::vector<nlohmann::json> log(const std::string& type);

  int pid_ = -1, port_ = 0;
  std::string session_;
};

}  // namespace fewstep
