use foretime_server::{config::*, host::Host, rpc::Service};
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let kind = std::env::args().nth(2).unwrap_or("dev".into());
    let mut c = Config::default();
    if kind == "dev" {
        c.personality = Personality::DevServer;
    }
    if kind == "skip" {
        c.time_skipping = true;
    }
    c.search_attributes =
        vec![("CustomTextField".into(), SearchAttributeType::Text), ("CustomIntField".into(), SearchAttributeType::Int)];
    let host = Host::new(Service::new(&c).unwrap());
    let l = foretime_server::grpc::listen(([127, 0, 0, 1], port).into()).unwrap();
    foretime_server::grpc::serve(l, host).await;
}
