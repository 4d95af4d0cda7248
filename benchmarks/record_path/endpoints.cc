#include "benchmarks/record_path/endpoints.h"

#include <algorithm>
#include <cstring>

namespace benchmarks {
namespace {

constexpr int kIv = 12, kTag = 16, kHeader = OPENSSL_RECORD_HEADER_SIZE;

std::size_t stride(const Load& load) { return static_cast<std::size_t>(kHeader) + load.size + kTag; }

}  // namespace

std::size_t record_length(const char* record) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(record);
  return kHeader + static_cast<std::size_t>(bytes[3] << 8 | bytes[4]);
}

// ---- The cipher alone ----

RawCipher::RawCipher(const char* name) : sealer_(EVP_CIPHER_CTX_new()), opener_(EVP_CIPHER_CTX_new()), records_(kWire) {
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  const unsigned char key[32] = {1, 2, 3};
  require(cipher && EVP_EncryptInit_ex(sealer_.get(), cipher, nullptr, key, nullptr) > 0 &&
              EVP_DecryptInit_ex(opener_.get(), cipher, nullptr, key, nullptr) > 0,
          "EVP_EncryptInit_ex");
  EVP_CIPHER_free(cipher);
}

void RawCipher::seal(const Load& load, const char* data, Samples& samples) {
  unsigned char iv[kIv] = {}, header[kHeader] = {23, 3, 3};
  unsigned char* record = records_.data();
  const int size = static_cast<int>(load.size);
  int len = 0;
  for (int i = 0; i < load.records;) {
    Go go(samples, std::min(load.records - i, kGo));
    go.begin();
    for (int end = i + go.records(); i < end; ++i, record += stride(load)) {
      iv[kIv - 1] = static_cast<unsigned char>(i);
      iv[kIv - 2] = static_cast<unsigned char>(i >> 8);
      std::memcpy(record, header, kHeader);
      EVP_EncryptInit_ex(sealer_.get(), nullptr, nullptr, nullptr, iv);
      EVP_EncryptUpdate(sealer_.get(), nullptr, &len, record, kHeader);
      EVP_EncryptUpdate(sealer_.get(), record + kHeader, &len, reinterpret_cast<const unsigned char*>(data), size);
      EVP_EncryptFinal_ex(sealer_.get(), record + kHeader + size, &len);
      EVP_CIPHER_CTX_ctrl(sealer_.get(), EVP_CTRL_AEAD_GET_TAG, kTag, record + kHeader + size);
    }
    go.end();
  }
}

void RawCipher::open(const Load& load, const char*, Samples& samples) {
  unsigned char iv[kIv] = {};
  unsigned char* record = records_.data();
  const int size = static_cast<int>(load.size);
  int len = 0;
  bool authentic = true;
  for (int i = 0; i < load.records;) {
    Go go(samples, std::min(load.records - i, kGo));
    go.begin();
    for (int end = i + go.records(); i < end; ++i, record += stride(load)) {
      iv[kIv - 1] = static_cast<unsigned char>(i);
      iv[kIv - 2] = static_cast<unsigned char>(i >> 8);
      unsigned char* text = record + kHeader;
      EVP_DecryptInit_ex(opener_.get(), nullptr, nullptr, nullptr, iv);
      EVP_CIPHER_CTX_ctrl(opener_.get(), EVP_CTRL_AEAD_SET_TAG, kTag, text + size);
      EVP_DecryptUpdate(opener_.get(), nullptr, &len, record, kHeader);
      EVP_DecryptUpdate(opener_.get(), text, &len, text, size);
      authentic = EVP_DecryptFinal_ex(opener_.get(), text + size, &len) > 0 && authentic;
    }
    go.end();
  }
  require(authentic, "opening what was sealed");
}

// ---- libssl ----

PlainServer::PlainServer(SSL_CTX* client, SSL_CTX* server)
    : client_(client), server_(server, true), wire_(kWire), received_(OPENSSL_MAX_PLAINTEXT) {
  connect(client_, server_);
}

void PlainServer::seal(const Load& load, const char* data, Samples& samples) {
  for (int left = load.records; left > 0; left -= kGo) {
    Go go(samples, std::min(left, kGo));
    go.begin();
    for (int i = 0; i < go.records(); ++i) {
      SSL_write(server_.ssl(), data, static_cast<int>(load.size));
      wire_.len += static_cast<std::size_t>(BIO_read(server_.out(), wire_.end(), static_cast<int>(wire_.room())));
    }
    go.end();
  }
  require(client_.read(wire_) == load.bytes(), "sending all of it");
}

void PlainServer::open(const Load& load, const char* data, Samples& samples) {
  for (int i = 0; i < load.records; ++i) client_.write(data, load.size, wire_);
  const char* from = wire_.bytes.data();
  for (int left = load.records; left > 0; left -= kGo) {
    Go go(samples, std::min(left, kGo));
    go.begin();
    for (int i = 0; i < go.records(); ++i) {
      const std::size_t len = record_length(from);
      BIO_write(server_.in(), from, static_cast<int>(len));
      require(SSL_read(server_.ssl(), received_.data(), OPENSSL_MAX_PLAINTEXT) > 0, "SSL_read");
      from += len;
    }
    go.end();
  }
  wire_.clear();
}

// ---- The machine ----

MachineServer::MachineServer(SSL_CTX* client, SSL_CTX* server) : client_(client), machine_(server), wire_(kWire) {
  connect(client_, machine_);
  for (int i = 0; i < kGo; ++i) records_in_.push_back(openssl_newRecordInEvent(nullptr, OPENSSL_MAX_RECORD));
}

MachineServer::~MachineServer() {
  for (OPENSSL_EVENT* e : records_in_) openssl_freeEvent(e);
}

bool MachineServer::is_direct() const {
  OPENSSL_RECORD_PATH path;
  openssl_recordPath(machine_.get(), &path);
  return path.sends == OPENSSL_PATH_DIRECT && path.receives == OPENSSL_PATH_DIRECT;
}

void MachineServer::seal(const Load& load, char* data, Samples& samples) {
  openssl_t* tls = machine_.get();
  OPENSSL_EVENT* cleartext[kGo];
  for (OPENSSL_EVENT*& e : cleartext) e = openssl_wrapCleartextInEvent(data, load.size, nullptr, nullptr);
  for (int left = load.records; left > 0; left -= kGo) {
    Go go(samples, std::min(left, kGo));
    OPENSSL_EVENT* records[kGo];
    int count = 0;
    go.begin();
    for (int i = 0; i < go.records(); ++i) openssl_putEvent(tls, cleartext[i]);
    while (OPENSSL_EVENT* e = openssl_getEvent(tls))
      if (e->kind == OPENSSL_RECORD_OUT_KIND) records[count++] = e;  // the others are ours again
    go.pause();
    for (int i = 0; i < count; ++i) wire_.append(records[i]->r.buf, static_cast<std::size_t>(records[i]->r.len));
    go.begin();
    for (int i = 0; i < count; ++i) openssl_putEvent(tls, records[i]);
    go.end();
  }
  for (OPENSSL_EVENT* e : cleartext) openssl_freeEvent(e);
  require(client_.read(wire_) == load.bytes(), "sending all of it");
}

void MachineServer::open(const Load& load, const char* data, Samples& samples) {
  openssl_t* tls = machine_.get();
  for (int i = 0; i < load.records; ++i) client_.write(data, load.size, wire_);
  std::size_t cleartext = 0;
  const char* from = wire_.bytes.data();
  for (int left = load.records; left > 0; left -= kGo) {
    Go go(samples, std::min(left, kGo));
    for (int i = 0; i < go.records(); ++i) {
      OPENSSL_RECORD& record = records_in_[static_cast<std::size_t>(i)]->r;
      record.len = static_cast<int>(record_length(from));
      std::memcpy(record.buf, from, static_cast<std::size_t>(record.len));
      from += record.len;
    }
    go.begin();
    for (int i = 0; i < go.records(); ++i) openssl_putEvent(tls, records_in_[static_cast<std::size_t>(i)]);
    while (OPENSSL_EVENT* e = openssl_getEvent(tls)) {
      if (e->kind != OPENSSL_CLEARTEXT_OUT_KIND) continue;  // a buffer that is ours again
      cleartext += static_cast<std::size_t>(e->c.len);      // it is read where it is
      openssl_putEvent(tls, e);
    }
    go.end();
  }
  require(cleartext == load.bytes(), "receiving all of it");
  wire_.clear();
}

}  // namespace benchmarks
