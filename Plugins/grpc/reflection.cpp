#include "reflection.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include "fault.h"

namespace spindle_grpc {

using namespace google::protobuf;

namespace {

constexpr size_t most_files = 512, most_bytes = 8 << 20, most_services = 1000;

// Fields of grpc.reflection.v1.ServerReflectionRequest and -Response; v1alpha has the same.
enum { ask_file_by_name = 3, ask_file_by_symbol = 4, ask_list = 7 };
enum { answer_files = 4, answer_services = 6, answer_error = 7 };

const UnknownField *find(const UnknownFieldSet &set, int number) {
    for (int i = 0; i < set.field_count(); i++) {
        if (set.field(i).number() == number && set.field(i).type() == UnknownField::TYPE_LENGTH_DELIMITED) return &set.field(i);
    }
    return nullptr;
}

} // namespace

Reflection::Reflection(std::shared_ptr<grpc::Channel> channel, grpc::CompletionQueue &queue, std::string service,
                       const Metadata &metadata, gpr_timespec deadline, void (*ended)(Reflection &, void *), void *context)
    : channel_(std::move(channel)), queue_(queue), service_(std::move(service)), metadata_(metadata), deadline_(deadline),
      ended_(ended), context_(context) {}

Reflection::~Reflection() {
    for (auto &entry : metadata_) wipe(entry.second);
}

void Reflection::start() {
    open();
}

void Reflection::open() {
    const char *path = alpha_ ? "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
                              : "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    call_ = std::make_unique<Call>(static_cast<CallOwner &>(*this), channel_, path, queue_);
    call_->context().set_deadline(deadline_);
    // A server that wants credentials for its methods may want them here too.
    for (const auto &entry : metadata_) call_->context().AddMetadata(entry.first, entry.second);
    open_ = 0;
    asked_.clear();
    ask_symbol(service_);
    call_->start();
}

void Reflection::ask(int number, const std::string &value) {
    UnknownFieldSet request;
    std::string bytes;
    request.AddLengthDelimited(number)->assign(value);
    request.SerializeToString(&bytes);
    open_++;
    call_->send(std::move(bytes));
}

void Reflection::ask_symbol(const std::string &symbol) {
    ask(ask_file_by_symbol, symbol);
}

void Reflection::ask_file(const std::string &name) {
    if (!asked_.insert(name).second) return;
    if (have_.size() + asked_.size() > most_files) stop(Result::unusable, "it has more than 512 files of descriptors");
    else ask(ask_file_by_name, name);
}

void Reflection::ask_services() {
    ask(ask_list, "*");
}

void Reflection::stop(Result what, std::string reason) {
    if (stopped_) return;
    stopped_ = true;
    result = what;
    why = std::move(reason);
    // A server that does not end the stream when told that nothing more comes shall not hold anybody up.
    call_->close();
    call_->cancel();
}

void Reflection::cancel() {
    cancelled_ = true;
    if (call_) call_->cancel();
}

bool Reflection::call_message(std::string bytes) {
    try {
        message(bytes);
    } catch (...) {
        stop(Result::unusable, "there is not enough memory for its descriptors");
    }
    return true;
}

void Reflection::message(const std::string &bytes) {
    answered_ = true;
    bytes_ += bytes.size();
    if (open_ > 0) open_--;
    if (stopped_) return;
    if (bytes_ > most_bytes) stop(Result::unusable, "its descriptors are longer than 8 MiB");
    else if (!take(bytes)) stop(Result::unusable, "its answer to reflection is not understood");
    else if (!stopped_ && open_ == 0) {
        schema = Schema::from_files(files_, why);
        if (schema == nullptr) stop(Result::unusable, why);
        else if (schema->service(service_) == nullptr) stop(Result::unusable, "its descriptors do not have the service that was asked for");
        else stop(Result::found);
    }
}

bool Reflection::take(const std::string &bytes) {
    UnknownFieldSet response, list, service;
    if (!response.ParseFromString(bytes)) return false;
    if (const UnknownField *files = find(response, answer_files)) return take_files(files->length_delimited());
    if (const UnknownField *error = find(response, answer_error)) return take_error(error->length_delimited());
    const UnknownField *names = find(response, answer_services);
    if (names == nullptr || !list.ParseFromString(names->length_delimited())) return false;
    for (int i = 0; i < list.field_count() && services.size() < most_services; i++) {
        if (list.field(i).type() != UnknownField::TYPE_LENGTH_DELIMITED) return false;
        if (!service.ParseFromString(list.field(i).length_delimited())) return false;
        if (const UnknownField *name = find(service, 1)) services.push_back(name->length_delimited());
    }
    stop(Result::no_service);
    return true;
}

bool Reflection::take_files(const std::string &bytes) {
    UnknownFieldSet set;
    std::vector<FileDescriptorProto> fresh;
    if (!set.ParseFromString(bytes)) return false;
    for (int i = 0; i < set.field_count(); i++) {
        FileDescriptorProto file;
        if (set.field(i).number() != 1 || set.field(i).type() != UnknownField::TYPE_LENGTH_DELIMITED) return false;
        if (!file.ParseFromString(set.field(i).length_delimited())) return false;
        if (!have_.insert(file.name()).second) continue;
        files_.push_back(set.field(i).length_delimited());
        fresh.push_back(std::move(file));
    }
    if (files_.size() > most_files) {
        stop(Result::unusable, "it has more than 512 files of descriptors");
        return true;
    }
    for (const FileDescriptorProto &file : fresh) {
        for (const std::string &import : file.dependency()) {
            if (stopped_) return true;
            if (have_.count(import) == 0 && !is_well_known_file(import)) ask_file(import);
        }
    }
    return true;
}

bool Reflection::take_error(const std::string &bytes) {
    UnknownFieldSet error;
    std::string text;
    if (!error.ParseFromString(bytes)) return false;
    if (const UnknownField *message = find(error, 2)) text = message->length_delimited();
    // Of the first question: there is no such service. Which are there tells whether it is a slip.
    if (files_.empty()) ask_services();
    else stop(Result::unusable, "it does not have a file that its own descriptors import: " + text.substr(0, 200));
    return true;
}

void Reflection::call_ended(const grpc::Status &status) {
    bool unimplemented = status.error_code() == grpc::StatusCode::UNIMPLEMENTED && !answered_;
    if (!stopped_ && unimplemented && alpha_ && !cancelled_) {
        alpha_ = false;
        try {
            open();
            return;
        } catch (...) { // without memory: it has failed
        }
    }
    if (!stopped_) {
        result = unimplemented ? Result::no_support : Result::failed;
        failure = status.ok() ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server ended its answer to reflection too soon")
                              : status;
    }
    ended_(*this, context_); // `this` may be gone
}

} // namespace spindle_grpc
