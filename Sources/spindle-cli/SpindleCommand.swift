@main struct SpindleCommand { static func main() {} }
