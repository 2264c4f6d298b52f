#include "reports/browser.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <tuple>

extern char** environ;

namespace fewstep {
namespace {

using Json = nlohmann::json;

bool in_path(const std::string& program) {
  std::string folders = std::getenv("PATH") ? std::getenv("PATH") : "";
  for (std::size_t begin = 0; begin < folders.size();) {
    const auto end = std::min(folders.find(':', begin), folders.size());
    if (::access((folders.substr(begin, end - begin) + "/" + program).c_str(), X_OK) == 0) return true;
    begin = end + 1;
  }
  return false;
}

class Socket {
 public:
  explicit Socket(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("chromedriver does not answer");
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("chromedriver stopped listening");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  bool receive(std::string& text) {
    char buffer[65536];
    const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }

 private:
  int fd_;
};

// The digits that follow mark in a text; nothing where it has none. (std::regex warns under the sanitizers.)
std::optional<std::size_t> number_after(const std::string& text, const std::string& mark) {
  const auto at = text.find(mark);
  if (at == std::string::npos) return std::nullopt;
  return std::stoul(text.substr(at + mark.size()));
}

// The body of an HTTP answer with a Content-Length.
std::string http_answer(int port, const std::string& request) {
  Socket socket(port);
  socket.send(request);
  std::string answer;
  while (socket.receive(answer)) {
    const auto head = answer.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    std::string headers = answer.substr(0, head);
    std::transform(headers.begin(), headers.end(), headers.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto size = number_after(headers, "\r\ncontent-length:");
    if (!size) break;
    while (answer.size() < head + 4 + *size && socket.receive(answer)) {
    }
    return answer.substr(head + 4, *size);
  }
  throw std::runtime_error("chromedriver gave no answer");
}

// Starts chromedriver on a free port; what it prints tells which.
std::pair<int, int> start_driver() {
  int pipe_ends[2];
  if (::pipe(pipe_ends) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
  posix_spawn_file_actions_addclose(&actions, pipe_ends[1]);
  std::string name = "chromedriver", port = "--port=0", level = "--log-level=SEVERE";
  char* arguments[] = {name.data(), port.data(), level.data(), nullptr};
  pid_t pid = -1;
  const int failure = posix_spawnp(&pid, "chromedriver", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[1]);
  if (failure != 0) throw std::runtime_error("chromedriver cannot be started");
  std::string said;
  char c = 0;
  while (::read(pipe_ends[0], &c, 1) == 1) {
    said += c;
    if (c != '\n') continue;
    if (const auto port_number = number_after(said, "started successfully on port "))
      return {pid, static_cast<int>(*port_number)};
  }
  throw std::runtime_error("chromedriver did not start: " + said);
}

std::string decode_base64(const std::string& text) {
  std::string bytes(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  bytes.resize(static_cast<std::size_t>(std::max(0, size)));
  return bytes;
}

}  // namespace

bool Browser::installed() { return in_path("chromedriver") && in_path("chromium"); }

Browser::Browser() {
  std::tie(pid_, port_) = start_driver();
  const Json options = {{"args",
                         {"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                          "--hide-scrollbars", "--force-color-profile=srgb", "--window-size=1280,900"}}};
  const Json capabilities = {{"goog:chromeOptions", options},
                             {"goog:loggingPrefs", {{"browser", "ALL"}, {"performance", "ALL"}}}};
  session_ = call("POST", "/session", {{"capabilities", {{"alwaysMatch", capabilities}}}}).at("sessionId");
}

Browser::~Browser() {
  try {
    if (!session_.empty()) session("DELETE", "");
  } catch (const std::exception&) {
  }
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

Json Browser::call(const std::string& method, const std::string& path, const Json& body) {
  const std::string text = body.is_null() ? "" : body.dump();
  const std::string answer = http_answer(
      port_, method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                 "\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\nContent-Length: " +
                 std::to_string(text.size()) + "\r\n\r\n" + text);
  const Json value = Json::parse(answer).at("value");
  if (value.is_object() && value.contains("error"))
    throw std::runtime_error(value.at("error").get<std::string>() + ": " + value.at("message").get<std::string>());
  return value;
}

Json Browser::session(const std::string& method, const std::string& path, const Json& body) {
  return call(method, "/session/" + session_ + path, body);
}

Json Browser::devtools(const std::string& command, const Json& parameters) {
  return session("POST", "/goog/cdp/execute", {{"cmd", command}, {"params", parameters}});
}

void Browser::open(const std::filesystem::path& page) {
  session("POST", "/url", {{"url", "file://" + std::filesystem::absolute(page).string()}});
}

Json Browser::run(const std::string& script) {
  return session("POST", "/execute/sync", {{"script", script}, {"args", Json::array()}});
}

std::string Browser::find(const std::string& selector) {
  return session("POST", "/element", {{"using", "css selector"}, {"value", selector}}).begin().value();
}

void Browser::click(const std::string& selector) {
  session("POST", "/element/" + find(selector) + "/click", Json::object());
}

void Browser::type(const std::string& selector, const std::string& text) {
  session("POST", "/element/" + find(selector) + "/value", {{"text", text}});
}

void Browser::press(const std::string& key, int times) {
  Json actions = Json::array();
  for (int i = 0; i < times; ++i) {
    actions.push_back({{"type", "keyDown"}, {"value", key}});
    actions.push_back({{"type", "keyUp"}, {"value", key}});
  }
  session("POST", "/actions", {{"actions", {{{"type", "key"}, {"id", "keys"}, {"actions", actions}}}}});
}

void Browser::resize(int width, int height, bool mobile) {
  devtools("Emulation.setDeviceMetricsOverride",
           {{"width", width}, {"height", height}, {"deviceScaleFactor", mobile ? 2 : 1}, {"mobile", mobile}});
}

void Browser::prefer_dark(bool dark) {
  const Json feature = {{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}};
  devtools("Emulation.setEmulatedMedia", {{"features", {feature}}});
  // The page hears of it with its next frame.
  session("POST", "/execute/async",
          {{"script", "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"}, {"args", Json::array()}});
}

void Browser::screenshot(const std::filesystem::path& png, bool full_page) {
  const Json shot = devtools("Page.captureScreenshot", {{"format", "png"}, {"captureBeyondViewport", full_page}});
  std::filesystem::create_directories(png.parent_path());
  std::ofstream(png, std::ios::binary) << decode_base64(shot.at("data"));
}

std::vector<Json> Browser::log(const std::string& type) {
  return session("POST", "/se/log", {{"type", type}}).get<std::vector<Json>>();
}

std::vector<std::string> Browser::errors() {
  std::vector<std::string> messages;
  for (const Json& entry : log("browser"))
    if (entry.at("level") == "SEVERE") messages.push_back(entry.at("message"));
  return messages;
}

std::vector<std::string> Browser::requests() {
  std::vector<std::string> urls;
  for (const Json& entry : log("performance")) {
    const Json message = Json::parse(entry.at("message").get<std::string>()).at("message");
    if (message.at("method") == "Network.requestWillBeSent")
      urls.push_back(message.at("params").at("request").at("url"));
  }
  return urls;
}

}  // namespace fewstep
