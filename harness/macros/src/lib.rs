//! `#[foretime::test]`: see the documentation of the crate `foretime`.

use proc_macro::TokenStream;
use quote::{format_ident, quote};
use syn::{
    ItemFn, LitInt, LitStr, Token,
    parse::{Parse, ParseStream},
    parse_macro_input,
};

/// What stands in the brackets.
#[derive(Default)]
struct Arguments {
    runs: Option<LitInt>,
    finds: Option<LitStr>,
    starts_at: Option<LitStr>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let name: syn::Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            match name.to_string().as_str() {
                "runs" => arguments.runs = Some(at_least_one(input.parse()?)?),
                "finds" => arguments.finds = Some(not_empty(input.parse()?)?),
                "starts_at" => arguments.starts_at = Some(input.parse()?),
                other => {
                    let text = format!(
                        "`{other}` is not known; there are `runs = 200`, `finds = \"a text\"` and `starts_at = \"2027-03-28T00:30:00Z\"`"
                    );
                    return Err(syn::Error::new(name.span(), text));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

fn at_least_one(runs: LitInt) -> syn::Result<LitInt> {
    match runs.base10_parse::<u64>()? {
        0 => Err(syn::Error::new(runs.span(), "with no run nothing is tested")),
        _ => Ok(runs),
    }
}

fn not_empty(text: LitStr) -> syn::Result<LitStr> {
    if text.value().is_empty() {
        return Err(syn::Error::new(text.span(), "every failure contains the empty text: say what the failure is to say"));
    }
    Ok(text)
}

/// Makes a test of an `async fn` that takes a `foretime::Sim`. It runs in many simulations, each with its own seed.
///
/// `#[foretime::test(runs = 200)]` sets how many; 100 by default.
///
/// `#[foretime::test(runs = 200, finds = "was done twice")]` inverts the test, for code that is known to be wrong. The test
/// passes when a seed fails and its failure (title, detail or story) contains this text. It fails when no seed fails, or when
/// the first one fails for another reason.
///
/// `#[foretime::test(starts_at = "2027-03-28T00:30:00Z")]` begins every run at this instant by RFC 3339, a whole second of the years
/// 1970 to 2199. Anything else fails the test. Without it each seed draws when its run begins: on an ordinary day, or shortly before a
/// midnight, the end of a month or of the leap day, or the hour at which clocks change in the United States or in Europe.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as Arguments);
    let function = parse_macro_input!(item as ItemFn);
    expand(&arguments, function).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(arguments: &Arguments, mut function: ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(syn::Error::new_spanned(signature.fn_token, "a simulation's body is an `async fn`"));
    }
    if signature.inputs.len() != 1 {
        return Err(syn::Error::new_spanned(signature, "a simulation's body takes one argument, a `foretime::Sim`"));
    }
    let name = signature.ident.clone();
    let text = name.to_string();
    let attributes = std::mem::take(&mut function.attrs);
    let visibility = std::mem::replace(&mut function.vis, syn::Visibility::Inherited);
    let inner = format_ident!("body");
    function.sig.ident = inner.clone();
    let runs = arguments.runs.as_ref().map_or_else(|| quote!(None), |runs| quote!(Some(#runs)));
    let finds = arguments.finds.as_ref().map_or_else(|| quote!(None), |text| quote!(Some(#text)));
    let starts_at = arguments.starts_at.as_ref().map_or_else(|| quote!(None), |text| quote!(Some(#text)));
    Ok(quote! {
        #[test]
        #(#attributes)*
        #visibility fn #name() {
            #function
            let test = ::foretime::__private::Test {
                module: module_path!(),
                function: #text,
                package: env!("CARGO_PKG_NAME"),
                folder: env!("CARGO_MANIFEST_DIR"),
                file: file!(),
                // Cargo sets it for integration tests only.
                is_integration: option_env!("CARGO_TARGET_TMPDIR").is_some(),
                runs: #runs,
                finds: #finds,
                starts_at: #starts_at,
            };
            ::foretime::__private::test(&test, |sim| {
                ::std::boxed::Box::pin(async move { ::foretime::__private::Outcome::into_result(#inner(sim).await) })
            });
        }
    })
}
