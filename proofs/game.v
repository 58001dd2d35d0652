(* The game of Section 2 and the objects of Section 3, for two budgets. *)
Require Export inner_product.

Definition within_one {T} (h : T -> R) : Prop := forall t, -1 <= h t <= 1.

(* What is assumed of an average over draws t: it is monotone on functions with
   values in [-1, 1]; of a constant it is the constant; it is linear on the functions
   that it measures. The upper integral of a probability measure is such a mean, and
   on measurable functions it is the integral. *)
Record expectation (T : Type) := {
  mean : (T -> R) -> R;
  measures : (T -> R) -> Prop;
  mean_monotone : forall g h, within_one g -> within_one h ->
    (forall t, g t <= h t) -> mean g <= mean h;
  mean_constant : forall c, mean (fun _ => c) = c;
  measures_constant : forall c, measures (fun _ => c);
  mean_linear : forall b c g h, within_one g -> within_one h ->
    measures g -> measures h ->
    mean (fun t => b * g t + c * h t) = b * mean g + c * mean h }.
Arguments mean {T} _ _. Arguments measures {T} _ _. Arguments mean_constant {T} _ _.
Arguments mean_monotone {T} _ _ _ _ _ _. Arguments measures_constant {T} _ _.

Definition pure {T} (t : T) : expectation T.
Proof. refine {| mean := fun h => h t; measures := fun _ => True |}; auto. Defined.

(* What is drawn lies in P with probability one. *)
Definition plays_in {T} (s : expectation T) (P : T -> Prop) : Prop :=
  forall g h, within_one g -> within_one h -> (forall t, P t -> g t <= h t) ->
  mean s g <= mean s h.

(* A classifier f with a gradient at each input, a budget for each player, p_X. *)
Record game := {
  space : inner_product_space;
  f : space -> R;
  gradient : space -> space;
  attack_budget : R;
  defense_budget : R;
  attack_budget_nonneg : 0 <= attack_budget;
  defense_budget_nonneg : 0 <= defense_budget;
  inputs : expectation space }.
Arguments f {_} _. Arguments gradient {_} _.

Definition sgn (r : R) : R :=
  if Rlt_dec 0 r then 1 else if Rlt_dec r 0 then -1 else 0.
Definition indicator {P} (decided : {P} + {~ P}) : R := if decided then 1 else 0.
Definition in_ball {E : inner_product_space} (r : R) (v : E) : Prop := norm v <= r.

(* The two values of Eq. (1), with the conventions: a label of 0 is lost whatever is
   played, and to land on the boundary is no flip. *)
Definition flip (label moved : R) : R :=
  if Req_EM_T label 0 then 1 else if Rle_dec 0 (sgn label * moved) then -1 else 1.

Section The_game.
Context {G : game}.
Implicit Types x y : space G.

(* f_L, the tangent of f at x, at another point y. *)
Definition tangent x y : R := f x + dot (gradient x) (minus y x).

(* u_A, Eq. (1). *)
Definition utility x (a v : space G) : R :=
  flip (f x) (tangent x (add (add x a) v)).

Definition robust_set x (v : space G) : Prop :=
  in_ball (defense_budget G) v /\
  forall a, in_ball (attack_budget G) a -> utility x a v = -1.

Definition fgm_step x : space G :=
  if Req_EM_T (norm (gradient x)) 0 then zero
  else scale (- (attack_budget G * (sgn (f x) / norm (gradient x)))) (gradient x).

(* Pure strategies: a move for each input, and one move for all. *)
Definition attack : Type :=
  { a : space G -> space G | forall x, in_ball (attack_budget G) (a x) }.
Definition defense : Type := { v : space G | in_ball (defense_budget G) v }.
Definition moves (a : attack) : space G -> space G := proj1_sig a.
Definition move (v : defense) : space G := proj1_sig v.

(* Eq. (2), for strategies that draw from the pure ones. *)
Definition score_by u (a : attack) (v : defense) : R :=
  mean (inputs G) (fun x => u x (moves a x) (move v)).
Definition payoff_by u (sA : expectation attack) (sD : expectation defense) : R :=
  mean sA (fun a => mean sD (fun v => score_by u a v)).
Definition payoff := payoff_by utility.
Definition defender_payoff sA sD : R := - payoff sA sD.

Definition equilibrium sA sD : Prop :=
  (forall other, payoff other sD <= payoff sA sD) /\
  (forall other, defender_payoff sA other <= defender_payoff sA sD).

Lemma move_in_ball (v : defense) : in_ball (defense_budget G) (move v).
Proof. exact (proj2_sig v). Qed.

Lemma flip_values label moved : flip label moved = -1 \/ flip label moved = 1.
Proof. unfold flip; destruct Req_EM_T; auto; destruct Rle_dec; auto. Qed.

Lemma flip_within label moved : -1 <= flip label moved <= 1.
Proof. destruct (flip_values label moved); lra. Qed.

Lemma tangent_at x (a v : space G) :
  tangent x (add (add x a) v) = f x + dot (gradient x) v + dot (gradient x) a.
Proof. unfold tangent, minus; rewrite !dot_add, dot_scale; ring. Qed.

(* Off the boundary the utility is Eq. (1) as printed. *)
Theorem equation_1 x (a v : space G) :
  f x <> 0 -> tangent x (add (add x a) v) <> 0 ->
  utility x a v = 1 <-> sgn (tangent x x) <> sgn (tangent x (add (add x a) v)).
Proof.
  assert (start : tangent x x = f x) by
    (unfold tangent, minus; rewrite add_opposite, dot_zero; ring).
  rewrite start; unfold utility, flip, sgn; intros label off.
  destruct Req_EM_T; [easy |]; repeat destruct Rlt_dec; destruct Rle_dec; lra.
Qed.
End The_game.
Arguments attack : clear implicits. Arguments defense : clear implicits.

(* Strategies: what is drawn is one of the pure ones. *)
Notation mixed_attack G := (expectation (attack G)).
Notation mixed_defense G := (expectation (defense G)).

Section Means.
Context {T : Type} (s : expectation T).

Lemma mean_equal g h : within_one g -> (forall t, g t = h t) -> mean s g = mean s h.
Proof.
  intros inside same; apply Rle_antisym; apply mean_monotone; auto;
    intro t; rewrite <- same; auto using Req_le.
Qed.

Lemma mean_within h : within_one h -> -1 <= mean s h <= 1.
Proof.
  intros inside; rewrite <- (mean_constant s (-1)), <- (mean_constant s 1) at 1.
  split; apply mean_monotone; auto; intro t; try apply inside; lra.
Qed.

Lemma indicator_within {P} (decided : {P} + {~ P}) :
  -1 <= 1 - 2 * indicator decided <= 1.
Proof. destruct decided; simpl; lra. Qed.

(* One minus twice the share of an event. *)
Lemma mean_of_event (P : T -> Prop) (decided : forall t, {P t} + {~ P t}) :
  measures s (fun t => indicator (decided t)) ->
  mean s (fun t => 1 - 2 * indicator (decided t))
  = 1 - 2 * mean s (fun t => indicator (decided t)).
Proof.
  intros measured; transitivity (mean s (fun t => 1 * 1 + -2 * indicator (decided t))).
  - apply mean_equal; intro t; [apply indicator_within | ring].
  - rewrite mean_linear, mean_constant; auto using measures_constant; try ring;
      intro t; try destruct decided; simpl; lra.
Qed.
End Means.
