// What is known of services and messages: from a descriptor set or from a server's reflection.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/util/type_resolver.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace spindle_grpc {

class Schema {
  public:
    // NULL with the reason in `why`.
    static std::shared_ptr<const Schema> from_descriptor_set(const std::string &bytes, std::string &why);
    // `files` are FileDescriptorProtos as bytes, in any order.
    static std::shared_ptr<const Schema> from_files(const std::vector<std::string> &files, std::string &why);

    const google::protobuf::ServiceDescriptor *service(const std::string &name) const;
    const google::protobuf::Descriptor *message(const std::string &name) const;
    google::protobuf::util::TypeResolver *resolver() const { return resolver_.get(); }
    std::vector<std::string> service_names() const;
    size_t size() const { return size_; } // elements: what memory it takes grows with them, not with its bytes

    static std::string type_url(const google::protobuf::Descriptor *type) { return "type.googleapis.com/" + type->full_name(); }

  private:
    struct Errors : google::protobuf::DescriptorPool::ErrorCollector {
        std::string first;
        void AddError(const std::string &file, const std::string &element, const google::protobuf::Message *, ErrorLocation,
                      const std::string &message) override {
            if (first.empty()) first = file + ": " + element + ": " + message;
        }
    };
    Schema();
    bool add(const google::protobuf::FileDescriptorProto &file, std::string &why);
    bool build(std::string &why);

    google::protobuf::SimpleDescriptorDatabase database_;
    Errors errors_;
    google::protobuf::DescriptorPool pool_;
    std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
    std::vector<std::string> file_names_;
    std::set<std::string> known_names_;
    size_t size_ = 0;
};

// The files that libprotobuf itself has (google/protobuf/*.proto): servers often leave them out. Empty if it is no such file.
std::string well_known_file(const std::string &name);
bool is_well_known_file(const std::string &name);

} // namespace spindle_grpc
