// Asks a server what a service looks like (gRPC server reflection, v1alpha and v1).
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "call.h"
#include "descriptors.h"
#include "status.h"

namespace spindle_grpc {

struct Attempt;

class Reflection final : private CallOwner {
  public:
    enum class Result {
        found,
        no_service,  // the server has no such service; `services` are those that it has
        no_support,  // it has no reflection
        unusable,    // what it says makes no sense or is too much; `why`
        failed       // `failure` and `trailers`
    };
    using Metadata = std::vector<std::pair<std::string, std::string>>;

    // `ended` is called once on the loop's thread, last; the object may be deleted in it.
    Reflection(std::shared_ptr<grpc::Channel> channel, grpc::CompletionQueue &queue, std::string service,
               const Metadata &metadata, gpr_timespec deadline, void (*ended)(Reflection &reflection, void *context), void *context);
    ~Reflection();
    void start();
    void cancel();

    const Metadata &metadata() const { return metadata_; }
    const std::shared_ptr<grpc::Channel> &channel() const { return channel_; }

    Result result = Result::failed;
    std::shared_ptr<const Schema> schema;
    std::vector<std::string> services;
    std::string why;
    grpc::Status failure;

    std::set<Attempt *> waiting; // whoever wants it; the loop's

  private:
    bool call_message(std::string bytes) override;
    void call_ended(const grpc::Status &status) override;
    void message(const std::string &bytes);
    void open();
    void ask_symbol(const std::string &symbol);
    void ask_file(const std::string &name);
    void ask_services();
    void ask(int number, const std::string &value);
    bool take(const std::string &response);
    bool take_files(const std::string &response);
    bool take_error(const std::string &response);
    void stop(Result result, std::string why = "");

    std::shared_ptr<grpc::Channel> channel_;
    grpc::CompletionQueue &queue_;
    std::string service_;
    Metadata metadata_;
    gpr_timespec deadline_;
    void (*ended_)(Reflection &reflection, void *context);
    void *context_;
    std::unique_ptr<Call> call_;
    bool alpha_ = true, answered_ = false, stopped_ = false, cancelled_ = false;
    std::vector<std::string> files_;
    std::set<std::string> have_, asked_;
    size_t bytes_ = 0, open_ = 0; // questions without an answer
};

} // namespace spindle_grpc
