// Keys that come by configuration commands. Where libssl calls its own functions directly (-Bsymbolic), it sets them unseen.
#include <openssl/ssl.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

#include "compat/keys.h"
#include "compat/real.h"

using namespace openssl_event::compat;

namespace {

// What a configuration context is applied to, which libssl does not tell.
struct Target {
  const SSL_CONF_CTX* configuration;
  SSL_CTX* ctx;
  SSL* ssl;
};

class Targets {
 public:
  // Never destroyed: programs configure in destructors.
  static Targets& instance() {
    static Targets* const all = new Targets;
    return *all;
  }

  void set(const SSL_CONF_CTX* configuration, SSL_CTX* ctx, SSL* ssl) try {
    const std::lock_guard hold(mutex_);
    remove(configuration);
    if (ctx || ssl) targets_.push_back({configuration, ctx, ssl});
  } catch (const std::bad_alloc&) {  // its keys stay with the thread
  }

  void offload_key_of(const SSL_CONF_CTX* configuration) noexcept {
    const Target target = find(configuration);
    if (target.ctx) offload(target.ctx);
    if (target.ssl) offload(target.ssl);
  }

 private:
  Target find(const SSL_CONF_CTX* configuration) noexcept {
    const std::lock_guard hold(mutex_);
    for (const Target& target : targets_)
      if (target.configuration == configuration) return target;
    return {};
  }

  void remove(const SSL_CONF_CTX* configuration) noexcept {
    std::erase_if(targets_, [=](const Target& target) { return target.configuration == configuration; });
  }

  std::mutex mutex_;
  std::vector<Target> targets_;  // few, and for the time of a start-up
};

int offload_key(int success, const SSL_CONF_CTX* configuration) {
  if (success > 0) Targets::instance().offload_key_of(configuration);
  return success;
}

}  // namespace

void SSL_CONF_CTX_set_ssl_ctx(SSL_CONF_CTX* configuration, SSL_CTX* ctx) {
  real_SSL_CONF_CTX_set_ssl_ctx(configuration, ctx);
  Targets::instance().set(configuration, ctx, nullptr);
}

void SSL_CONF_CTX_set_ssl(SSL_CONF_CTX* configuration, SSL* ssl) {
  real_SSL_CONF_CTX_set_ssl(configuration, ssl);
  Targets::instance().set(configuration, nullptr, ssl);
}

void SSL_CONF_CTX_free(SSL_CONF_CTX* configuration) {
  if (configuration) Targets::instance().set(configuration, nullptr, nullptr);
  real_SSL_CONF_CTX_free(configuration);
}

int SSL_CONF_cmd(SSL_CONF_CTX* configuration, const char* command, const char* value) {
  return offload_key(real_SSL_CONF_cmd(configuration, command, value), configuration);
}

int SSL_CONF_cmd_argv(SSL_CONF_CTX* configuration, int* argc, char*** argv) {
  return offload_key(real_SSL_CONF_cmd_argv(configuration, argc, argv), configuration);
}

int SSL_CONF_CTX_finish(SSL_CONF_CTX* configuration) {
  return offload_key(real_SSL_CONF_CTX_finish(configuration), configuration);
}

int SSL_CTX_config(SSL_CTX* ctx, const char* name) { return offload_if(real_SSL_CTX_config(ctx, name), ctx); }
int SSL_config(SSL* ssl, const char* name) { return offload_if(real_SSL_config(ssl, name), ssl); }
