// The address of a thread's variable (errno's too) must not be kept across a park: the stack may go on in another thread.
// A compiler may keep it, though, of functions that it sees through. So those that take such an address, and are called on
// stacks that park, are compiled apart, also where the program is optimised as a whole.
#ifndef OPENSSL_EVENT_THREAD_ADDRESS_H
#define OPENSSL_EVENT_THREAD_ADDRESS_H

#if defined(__GNUC__) && !defined(__clang__)
#define OE_TAKES_THREAD_ADDRESS [[gnu::noipa]]
#else
#define OE_TAKES_THREAD_ADDRESS [[gnu::noinline]]
#endif

#endif
