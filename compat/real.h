// libssl's own functions, behind those of the same name that this layer puts in front of them.
#ifndef COMPAT_REAL_H
#define COMPAT_REAL_H

#include <openssl/ssl.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

// Of OpenSSL 3.3 and 3.4: what was built with an older one may run with it.
extern "C" {
int SSL_write_ex2(SSL* ssl, const void* buf, std::size_t num, std::uint64_t flags, std::size_t* written);
int SSL_CTX_set_block_padding_ex(SSL_CTX* ctx, std::size_t of_data, std::size_t of_handshake);
int SSL_set_block_padding_ex(SSL* ssl, std::size_t of_data, std::size_t of_handshake);
}

namespace openssl_event::compat {

// The next definition of `name` behind this library's; nullptr: there is none.
void* look_for_next(const char* name) noexcept;
// The same. Ends the program with a message if there is none.
void* find_next(const char* name) noexcept;

template <typename F>
class Real;

template <typename R, typename... Args>
class Real<R(Args...)> {
 public:
  constexpr explicit Real(const char* name) noexcept : name_(name) {}

  // A thread that is cancelled in a blocking call is unwound through here, so this is not noexcept.
  R operator()(Args... args) { return get()(args...); }
  // For functions that not every libssl has.
  bool exists() noexcept {
    if (!found_.load(std::memory_order_relaxed)) found_.store(look_for_next(name_), std::memory_order_relaxed);
    return found_.load(std::memory_order_relaxed) != nullptr;
  }

 private:
  using Function = R (*)(Args...);

  // Found at the first call, which may come before any constructor of this library has run.
  Function get() noexcept {
    void* found = found_.load(std::memory_order_relaxed);
    if (!found) found_.store(found = find_next(name_), std::memory_order_relaxed);
    return reinterpret_cast<Function>(found);
  }

  const char* name_;
  std::atomic<void*> found_{nullptr};
};

#define OPENSSL_EVENT_REAL(name) inline constinit Real<decltype(::name)> real_##name(#name)

OPENSSL_EVENT_REAL(SSL_do_handshake);
OPENSSL_EVENT_REAL(SSL_connect);
OPENSSL_EVENT_REAL(SSL_accept);
OPENSSL_EVENT_REAL(SSL_stateless);
OPENSSL_EVENT_REAL(SSL_read);
OPENSSL_EVENT_REAL(SSL_read_ex);
OPENSSL_EVENT_REAL(SSL_peek);
OPENSSL_EVENT_REAL(SSL_peek_ex);
OPENSSL_EVENT_REAL(SSL_write);
OPENSSL_EVENT_REAL(SSL_write_ex);
OPENSSL_EVENT_REAL(SSL_write_ex2);
OPENSSL_EVENT_REAL(SSL_read_early_data);
OPENSSL_EVENT_REAL(SSL_write_early_data);
OPENSSL_EVENT_REAL(SSL_shutdown);
OPENSSL_EVENT_REAL(SSL_pending);
OPENSSL_EVENT_REAL(SSL_has_pending);
OPENSSL_EVENT_REAL(SSL_free_buffers);
OPENSSL_EVENT_REAL(SSL_get_error);
OPENSSL_EVENT_REAL(SSL_want);
OPENSSL_EVENT_REAL(SSL_new);
OPENSSL_EVENT_REAL(SSL_free);
OPENSSL_EVENT_REAL(SSL_clear);
OPENSSL_EVENT_REAL(SSL_dup);
OPENSSL_EVENT_REAL(SSL_up_ref);
OPENSSL_EVENT_REAL(SSL_set_connect_state);
OPENSSL_EVENT_REAL(SSL_set_accept_state);
OPENSSL_EVENT_REAL(SSL_get_info_callback);
OPENSSL_EVENT_REAL(SSL_ctrl);
OPENSSL_EVENT_REAL(SSL_CTX_ctrl);
OPENSSL_EVENT_REAL(SSL_waiting_for_async);
OPENSSL_EVENT_REAL(SSL_get_all_async_fds);
OPENSSL_EVENT_REAL(SSL_get_changed_async_fds);
OPENSSL_EVENT_REAL(SSL_get_privatekey);
OPENSSL_EVENT_REAL(SSL_CTX_get0_privatekey);
OPENSSL_EVENT_REAL(SSL_use_PrivateKey);
OPENSSL_EVENT_REAL(SSL_use_PrivateKey_ASN1);
OPENSSL_EVENT_REAL(SSL_use_PrivateKey_file);
OPENSSL_EVENT_REAL(SSL_use_cert_and_key);
OPENSSL_EVENT_REAL(SSL_CTX_use_PrivateKey);
OPENSSL_EVENT_REAL(SSL_CTX_use_PrivateKey_ASN1);
OPENSSL_EVENT_REAL(SSL_CTX_use_PrivateKey_file);
OPENSSL_EVENT_REAL(SSL_CTX_use_cert_and_key);
OPENSSL_EVENT_REAL(SSL_CTX_new);
OPENSSL_EVENT_REAL(SSL_CTX_new_ex);
OPENSSL_EVENT_REAL(SSL_CTX_set_keylog_callback);
OPENSSL_EVENT_REAL(SSL_CTX_get_keylog_callback);
OPENSSL_EVENT_REAL(SSL_CTX_set_msg_callback);
OPENSSL_EVENT_REAL(SSL_CTX_callback_ctrl);
OPENSSL_EVENT_REAL(SSL_set_msg_callback);
OPENSSL_EVENT_REAL(SSL_callback_ctrl);
OPENSSL_EVENT_REAL(SSL_set_record_padding_callback);
OPENSSL_EVENT_REAL(SSL_set_block_padding);
OPENSSL_EVENT_REAL(SSL_set_block_padding_ex);
OPENSSL_EVENT_REAL(SSL_CTX_set_record_padding_callback);
OPENSSL_EVENT_REAL(SSL_CTX_set_block_padding);
OPENSSL_EVENT_REAL(SSL_CTX_set_block_padding_ex);
OPENSSL_EVENT_REAL(SSL_new_session_ticket);
OPENSSL_EVENT_REAL(SSL_rstate_string);
OPENSSL_EVENT_REAL(SSL_rstate_string_long);
OPENSSL_EVENT_REAL(SSL_get_rbio);
OPENSSL_EVENT_REAL(SSL_get_wbio);
OPENSSL_EVENT_REAL(SSL_set0_rbio);
OPENSSL_EVENT_REAL(SSL_set0_wbio);
OPENSSL_EVENT_REAL(SSL_set_bio);
OPENSSL_EVENT_REAL(SSL_set_fd);
OPENSSL_EVENT_REAL(SSL_set_rfd);
OPENSSL_EVENT_REAL(SSL_set_wfd);
OPENSSL_EVENT_REAL(SSL_CONF_CTX_set_ssl_ctx);
OPENSSL_EVENT_REAL(SSL_CONF_CTX_set_ssl);
OPENSSL_EVENT_REAL(SSL_CONF_CTX_free);
OPENSSL_EVENT_REAL(SSL_CONF_CTX_finish);
OPENSSL_EVENT_REAL(SSL_CONF_cmd);
OPENSSL_EVENT_REAL(SSL_CONF_cmd_argv);
OPENSSL_EVENT_REAL(SSL_CTX_config);
OPENSSL_EVENT_REAL(SSL_config);
OPENSSL_EVENT_REAL(BIO_ctrl);
OPENSSL_EVENT_REAL(BIO_push);
OPENSSL_EVENT_REAL(BIO_pop);

#undef OPENSSL_EVENT_REAL

}  // namespace openssl_event::compat

#endif
