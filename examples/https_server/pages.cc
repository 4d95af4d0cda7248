#include "examples/https_server/pages.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "examples/https_server/syntax.h"
#include "examples/https_server/threads.h"

namespace https {
namespace {

constexpr std::string_view kBytes = "/bytes/";

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

void add_row(std::string& page, std::string_view name, std::string_view value) {
  page.append("<tr><th>").append(name).append("</th><td>").append(escape(value)).append("</td></tr>\n");
}

std::string signature_words(const AboutConnection& about, bool resumed) {
  if (about.sign_thread) return "executed by " + thread_name(about.sign_thread);
  return resumed ? "none: the session was resumed" : "none";
}

std::string path_words(const openssl_t* tls) {
  OPENSSL_RECORD_PATH path = {};
  openssl_recordPath(tls, &path);
  std::string words = openssl_pathName(path.receives);
  if (path.reason != OPENSSL_PATH_REASON_NONE) words.append(": ").append(openssl_pathReasonName(path.reason));
  return words;
}

Answer front_page(const AboutConnection& about) {
  OPENSSL_NEGOTIATED n = {};
  openssl_negotiated(about.tls, &n);
  Answer answer;
  answer.type = "text/html; charset=utf-8";
  std::string& page = answer.text;
  page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>openssl_event</title>\n"
         "<style>body{font:16px sans-serif;max-width:40em;margin:3em auto}th{text-align:left;padding-right:2em}</style></head>\n"
         "<body>\n<h1>It works</h1>\n<p>This connection negotiated:</p>\n<table>\n";
  add_row(page, "Version", n.protocol);
  add_row(page, "Cipher", n.cipher);
  add_row(page, "Group", *n.group ? n.group : "none");
  add_row(page, "Server name", *n.server_name ? n.server_name : "none");
  add_row(page, "Application protocol", n.alpn_len ? std::string_view(reinterpret_cast<const char*>(n.alpn), n.alpn_len) : "none");
  add_row(page, "Resumed", n.resumed ? "yes" : "no");
  add_row(page, "Signature", signature_words(about, n.resumed));
  add_row(page, "Record path", path_words(about.tls));
  page += "</table>\n<p>Also here: <a href=\"/metrics\">/metrics</a>, <a href=\"/bytes/1000\">/bytes/1000</a>.</p>\n</body>\n</html>\n";
  return answer;
}

Answer bytes(std::string_view digits) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size()) return error_answer(404);
  Answer answer;
  answer.filler = count;
  return answer;
}

Answer metrics(const Shared& shared) {
  Answer answer;
  answer.type = "text/plain; version=0.0.4; charset=utf-8";
  answer.text = shared.metrics.to_text(shared.calls.workers) + shared.lookups->to_text();
  return answer;
}

Answer quit() {
  Answer answer;
  answer.text = "The server ends now.\n";
  answer.quit = true;
  return answer;
}

// Those of RFC 9110 9.3 and RFC 5789.
bool is_known(std::string_view method) {
  static constexpr std::array<std::string_view, 9> kMethods = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                               "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

}  // namespace

Answer answer_request(const Request& request, const AboutConnection& about, const Shared& shared) {
  if (request.method != "GET" && request.method != "HEAD") return error_answer(is_known(request.method) ? 405 : 501);
  const std::string path = path_of(request.target);
  if (path == "/") return front_page(about);
  if (path == "/metrics") return metrics(shared);
  if (path.starts_with(kBytes)) return bytes(std::string_view(path).substr(kBytes.size()));
  if (path == "/quit" && shared.options.allow_quit) return quit();
  return error_answer(404);
}

}  // namespace https
