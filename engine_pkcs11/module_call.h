// Whether this thread is inside a Cryptoki module, or p11-kit, which may end the process from there (SoftHSM does,
// without memory). Their locks, and ours, are then held by the thread that runs what was registered for the end.
#ifndef ENGINE_PKCS11_MODULE_CALL_H
#define ENGINE_PKCS11_MODULE_CALL_H

namespace openssl_event::pkcs11 {

class ModuleCall {
 public:
  ModuleCall() noexcept { ++depth_; }
  ~ModuleCall() { --depth_; }
  ModuleCall(const ModuleCall&) = delete;
  ModuleCall& operator=(const ModuleCall&) = delete;

  static bool is_on_this_thread() noexcept { return depth_ > 0; }

 private:
  static inline thread_local int depth_ = 0;
};

}  // namespace openssl_event::pkcs11

#endif
