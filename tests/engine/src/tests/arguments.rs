//! What a signal can carry, typed and untyped: whatever converts from a `Variant`, types of a user's own included.

#![allow(clippy::too_many_arguments, reason = "of a signal's emission: as many as the signal has")]

use std::fmt::Debug;

use cuelight::SignalArgs;
use cuelight::prelude::*;
use godot::classes::mesh::{ArrayFormat, PrimitiveType};
use godot::meta::error::ConvertError;
use godot::obj::DynGd;
use godot::prelude::*;

use super::stage::*;
use crate::Setup;
use crate::inside::Context;

/// An enum of a user.
#[derive(GodotConvert, Var, Export, Clone, Copy, PartialEq, Eq, Debug)]
#[godot(via = i64)]
enum Mood {
    Calm = 1,
    Angry = 5,
}

/// An enum that travels by name.
#[derive(GodotConvert, Var, Export, Clone, Copy, PartialEq, Eq, Debug)]
#[godot(via = GString)]
enum Team {
    Red,
    Blue,
}

/// A new type of a user.
#[derive(GodotConvert, Clone, Copy, PartialEq, Debug)]
#[godot(transparent)]
struct Damage(f64);

/// A type that a user converts by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Route(Vec<i64>);

impl GodotConvert for Route {
    type Via = Array<i64>;

    fn godot_shape() -> godot::meta::shape::GodotShape {
        Array::<i64>::godot_shape()
    }
}

impl ToGodot for Route {
    type Pass = godot::meta::conv::ByValue;

    fn to_godot(&self) -> Array<i64> {
        self.0.iter().copied().collect()
    }
}

impl FromGodot for Route {
    fn try_from_godot(via: Array<i64>) -> Result<Self, ConvertError> {
        if via.is_empty() {
            return Err(ConvertError::new("a route goes somewhere"));
        }
        Ok(Self(via.iter_shared().collect()))
    }
}

/// A trait of a user.
trait Talker {
    fn word(&self) -> String;
}

/// A class that has it.
#[derive(GodotClass)]
#[class(init, tool, base = Node)]
struct Parrot {
    base: Base<Node>,
}

#[godot_dyn]
impl Talker for Parrot {
    fn word(&self) -> String {
        "hello".into()
    }
}

/// A node with a signal for each kind of type.
#[derive(GodotClass)]
#[class(init, tool, base = Node)]
struct Postman {
    base: Base<Node>,
}

#[godot_api]
impl Postman {
    #[signal]
    fn plain(yes: bool, count: i32, part: f32, text: GString, name: StringName, place: Vector3);
    #[signal]
    fn maybe(node: Option<Gd<Node>>);
    #[signal]
    fn talker(talker: DynGd<Node, dyn Talker>);
    #[signal]
    fn lists(numbers: Array<i64>, nodes: Array<Gd<Node>>, any: VarArray);
    #[signal]
    fn tables(prices: Dictionary<GString, i64>, any: VarDictionary);
    #[signal]
    fn packed(bytes: PackedByteArray, points: PackedVector2Array);
    #[signal]
    fn own(mood: Mood, team: Team, damage: Damage, route: Route);
    #[signal]
    fn engines(primitive: PrimitiveType, format: ArrayFormat);
    #[signal]
    fn handles(callable: Callable, signal: Signal, path: NodePath, rid: Rid);
    #[signal]
    fn anything(what: Variant);
    #[signal]
    fn ten(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64, i: i64, j: i64);
}

/// Awaits an emission through the untyped signal, by a wait and by a stream, and compares what comes.
async fn check<T: SignalArgs + PartialEq + Debug>(
    postman: &Gd<Postman>,
    signal: &str,
    args: &[Variant],
    expected: T,
) {
    let untyped = Signal::from_object_signal(postman, signal);
    let wait = untyped.try_wait::<T>();
    let mut stream = untyped.stream::<T>();
    postman.clone().emit_signal(signal, args);
    assert_eq!(wait.await.as_ref(), Ok(&expected), "{signal}");
    assert_eq!(stream.next().await.as_ref(), Some(&expected), "{signal}");
}

/// Awaits an emission with one argument that does not convert.
async fn check_error<T: SignalArgs + Debug>(
    postman: &Gd<Postman>,
    signal: &str,
    args: &[Variant],
    (position, expected, found): (usize, &str, &str),
) {
    let wait = Signal::from_object_signal(postman, signal).try_wait::<T>();
    postman.clone().emit_signal(signal, args);
    let (expected, found) = (expected.to_string(), found.to_string());
    let signal = format!("Postman.{signal}");
    let error = cuelight::SignalError::Argument { signal, position, expected, found };
    assert_eq!(wait.await.unwrap_err(), error);
}

engine_test!(plain_types);
async fn plain_types(ctx: Context) {
    let postman = ctx.add::<Postman>();
    let wait = postman.signals().plain().wait();
    let place = Vector3::new(1.0, 2.0, 3.0);
    postman.signals().plain().emit(true, 7, 0.5, "text", "name", place);
    let expected = (true, 7, 0.5, "text".into(), "name".into(), place);
    assert_eq!(wait.await, expected);
    // As GDScript emits it: a String where a StringName is awaited, an int where a float is.
    let args = vslice![true, 7, 1, "text", "name", place];
    let expected: (bool, i32, f32, String, StringName, Vector3) =
        (true, 7, 1.0, "text".into(), "name".into(), place);
    check(&postman, "plain", args, expected).await;
    check(&postman, "anything", vslice![7], (7.to_variant(),)).await;
    check(&postman, "anything", &[Variant::nil()], (Variant::nil(),)).await;
    let numbers = vslice![1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    check(&postman, "ten", numbers, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)).await;
    let wait = postman.signals().ten().wait();
    postman.signals().ten().emit(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    assert_eq!(wait.await, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    check(&postman, "ten", numbers, (1_u8, 2_i16)).await;
    check(&postman, "ten", numbers, ()).await;
    check_error::<(i8,)>(&postman, "anything", vslice![300], (0, "i8", "INT 300")).await;
    check_error::<(bool, bool)>(&postman, "ten", vslice![true, "no"], (1, "bool", "STRING")).await;
    check_error::<(i64,)>(&postman, "anything", &[], (0, "i64", "nothing")).await;
}

engine_test!(objects);
async fn objects(ctx: Context) {
    let postman = ctx.add::<Postman>();
    let node = ctx.add::<Node>();
    let wait = postman.signals().maybe().wait();
    postman.signals().maybe().emit(Some(&node));
    assert_eq!(wait.await, (Some(node.clone()),));
    check(&postman, "maybe", vslice![node], (Some(node.clone()),)).await;
    check(&postman, "maybe", &[Variant::nil()], (None::<Gd<Node>>,)).await;
    check(&postman, "maybe", vslice![node], (node.clone(),)).await;
    let none = [Variant::nil()];
    check_error::<(Gd<Node>,)>(&postman, "maybe", &none, (0, "Gd<Node>", "NIL")).await;
    let other = (0, "Gd<Node2D>", "Node");
    check_error::<(Gd<Node2D>,)>(&postman, "maybe", vslice![node], other).await;
    // One that is freed before the task takes it.
    let late = ctx.add::<Node>();
    let wait = Signal::from_object_signal(&postman, "maybe").try_wait::<(Gd<Node>,)>();
    postman.clone().emit_signal("maybe", vslice![late]);
    late.free();
    let error = wait.await.unwrap_err().to_string();
    assert!(
        error.ends_with("is awaited as Gd<Node>, but the emission had a freed object"),
        "{error}"
    );

    let parrot = ctx.add::<Parrot>();
    let wait = postman.signals().talker().wait();
    let talker = parrot.clone().into_dyn::<dyn Talker>().upcast::<Node>();
    postman.signals().talker().emit(&talker);
    let (heard,) = wait.await;
    assert_eq!(heard.dyn_bind().word(), "hello");
    let wait = Signal::from_object_signal(&postman, "talker").wait::<(DynGd<Node, dyn Talker>,)>();
    postman.clone().emit_signal("talker", vslice![parrot]);
    assert_eq!(wait.await.0.dyn_bind().word(), "hello");
}

engine_test!(arrays_and_dictionaries);
async fn arrays_and_dictionaries(ctx: Context) {
    let postman = ctx.add::<Postman>();
    let node = ctx.add::<Node>();
    let (numbers, nodes) = (array![1, 2], array![&node]);
    let wait = postman.signals().lists().wait();
    postman.signals().lists().emit(&numbers, &nodes, &varray!["a", 1]);
    assert_eq!(wait.await, (numbers.clone(), nodes.clone(), varray!["a", 1]));
    let args = vslice![numbers, nodes, varray!["a", 1]];
    check(&postman, "lists", args, (numbers.clone(), nodes.clone())).await;
    // An array without a type is none of numbers, and the other way round.
    let found = (0, "Array<i64>", "ARRAY [1, 2]");
    check_error::<(Array<i64>,)>(&postman, "lists", vslice![varray![1, 2]], found).await;

    let mut prices = Dictionary::<GString, i64>::new();
    prices.set("lamp", 7);
    let wait = postman.signals().tables().wait();
    postman.signals().tables().emit(&prices, &vdict! { "a" => 1 });
    assert_eq!(wait.await, (prices.clone(), vdict! { "a" => 1 }));
    check(&postman, "tables", vslice![prices], (prices.clone(),)).await;

    let (bytes, points) = (PackedByteArray::from([1, 2]), PackedVector2Array::from([Vector2::ONE]));
    let wait = postman.signals().packed().wait();
    postman.signals().packed().emit(&bytes, &points);
    assert_eq!(wait.await, (bytes.clone(), points.clone()));
    check(&postman, "packed", vslice![bytes, points], (bytes.clone(), points.clone())).await;
}

engine_test!(own_types);
async fn own_types(ctx: Context) {
    let postman = ctx.add::<Postman>();
    let expected = (Mood::Angry, Team::Blue, Damage(2.5), Route(vec![1, 2]));
    let wait = postman.signals().own().wait();
    postman.signals().own().emit(Mood::Angry, Team::Blue, Damage(2.5), Route(vec![1, 2]));
    assert_eq!(wait.await, expected);
    let mut stream = postman.signals().own().stream();
    let fits = postman.signals().own().wait_if(|(mood, ..)| *mood == Mood::Calm);
    postman.signals().own().emit(Mood::Angry, Team::Blue, Damage(2.5), Route(vec![1, 2]));
    postman.signals().own().emit(Mood::Calm, Team::Red, Damage(0.0), Route(vec![3]));
    assert_eq!(stream.next().await, Some(expected.clone()));
    assert_eq!(fits.await, (Mood::Calm, Team::Red, Damage(0.0), Route(vec![3])));
    let route: Array<i64> = array![1, 2];
    check(&postman, "own", vslice![5, "Blue", 2.5, route], expected).await;
    // The type would do, the value does not.
    check_error::<(Mood,)>(&postman, "own", vslice![7], (0, "Mood", "INT 7")).await;
    let other = (1, "Team", "STRING Green");
    check_error::<(Mood, Team)>(&postman, "own", vslice![5, "Green"], other).await;
    let nowhere = (0, "Route", "ARRAY []");
    check_error::<(Route,)>(&postman, "anything", vslice![Array::<i64>::new()], nowhere).await;
}

engine_test!(engine_types);
async fn engine_types(ctx: Context) {
    let postman = ctx.add::<Postman>();
    let format = ArrayFormat::VERTEX | ArrayFormat::NORMAL;
    let wait = postman.signals().engines().wait();
    postman.signals().engines().emit(PrimitiveType::LINES, format);
    assert_eq!(wait.await, (PrimitiveType::LINES, format));
    check(&postman, "engines", vslice![1, 3], (PrimitiveType::LINES, format)).await;

    let callable = postman.callable("queue_free");
    let signal = Signal::from_object_signal(&postman, "plain");
    let (path, rid) = (NodePath::from("a/b"), Rid::new(7));
    let wait = postman.signals().handles().wait();
    postman.signals().handles().emit(&callable, &signal, &path, rid);
    let (callable_too, signal_too, path_too, rid_too) = wait.await;
    assert!(callable == callable_too && signal.name() == signal_too.name());
    assert_eq!((path, rid), (path_too, rid_too));
}

engine_test!(all_types_in_the_editor, Setup::own_editor());
async fn all_types_in_the_editor(ctx: Context) {
    plain_types(ctx.clone()).await;
    objects(ctx.clone()).await;
    arrays_and_dictionaries(ctx.clone()).await;
    own_types(ctx.clone()).await;
    engine_types(ctx).await;
}

/// That a user's type needs nothing of ours to be awaited.
#[expect(dead_code, reason = "it has to compile")]
fn nothing_is_sealed(signal: &Signal) {
    #[derive(Debug)]
    struct Mine;
    impl GodotConvert for Mine {
        type Via = i64;

        fn godot_shape() -> godot::meta::shape::GodotShape {
            i64::godot_shape()
        }
    }
    impl FromGodot for Mine {
        fn try_from_godot(_via: i64) -> Result<Self, ConvertError> {
            Ok(Self)
        }
    }
    let _wait = signal.wait::<(Mine,)>();
    let _stream = signal.stream::<(Mine, Option<Gd<Actor>>)>();
}
