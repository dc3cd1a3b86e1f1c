// The thread that carries every call of an instance.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>
#include <pthread.h>

#include <deque>
#include <mutex>
#include <set>
#include <utility>

#include "attempt.h"

namespace spindle_grpc {

class Loop {
  public:
    bool start();
    // No attempt is open. Joins the thread; then nothing of the library's is under way for the instance.
    void stop();

    // From any thread; does not block. Sets the flag, if there is one, and has the attempt looked at.
    void post(Attempt &attempt, bool Attempt::*flag);

    // On the loop's thread.
    grpc::CompletionQueue &queue() { return queue_; }
    // Has flow_expire called at the attempt's deadline, for phases that the library does not watch.
    void watch(Attempt &attempt);
    void unwatch(Attempt &attempt);
    // Lets go of all that the loop has of it. Afterwards complete may be called and the attempt may vanish.
    void retire(Attempt &attempt);
    bool is_stopping();

    void (*stopping)(void *context) = nullptr; // called once on the loop's thread: end what is under way for nobody
    bool (*idle)(void *context) = nullptr;     // nothing is any more
    void *context = nullptr;

  private:
    struct Wake : Tag {
        explicit Wake(Loop &loop) : loop(loop) {}
        void done(bool) override { loop.drain(); }
        Loop &loop;
    };
    static void *run(void *loop);
    void work();
    void wake(); // under the lock
    void drain();
    void expire(int64_t now_ns);

    grpc::CompletionQueue queue_;
    grpc::Alarm alarm_;
    Wake wake_{*this};
    pthread_t thread_{};
    bool running_ = false;
    std::mutex lock_; // of what follows, and of the guarded fields of attempts
    std::deque<Attempt *> inbox_;
    bool awake_ = false; // the alarm was set and is not yet seen
    bool stopping_ = false;
    // The loop's thread alone.
    std::set<std::pair<int64_t, Attempt *>> deadlines_;
    bool told_ = false, shut_ = false;
};

} // namespace spindle_grpc
