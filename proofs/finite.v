(* Finite mixtures and finite samples: nothing is assumed of their means. *)
From Coq Require Import List Classical_Prop.
Require Export theorem_1.

Fixpoint weighted_sum {T} (l : list (R * T)) (h : T -> R) : R :=
  match l with nil => 0 | (p, t) :: rest => p * h t + weighted_sum rest h end.

Definition are_weights {T} (l : list (R * T)) : Prop :=
  Forall (fun draw => 0 <= fst draw) l /\ weighted_sum l (fun _ => 1) = 1.

Section Sums.
Context {T : Type}.
Implicit Types (l : list (R * T)) (g h : T -> R).

Lemma sum_monotone l g h : Forall (fun draw => 0 <= fst draw) l ->
  (forall p t, In (p, t) l -> 0 < p -> g t <= h t) ->
  weighted_sum l g <= weighted_sum l h.
Proof.
  induction l as [| [p t] l IH]; simpl; intros pos less; [lra |].
  inversion pos; simpl in *.
  assert (weighted_sum l g <= weighted_sum l h) by (apply IH; eauto).
  destruct (Req_dec p 0) as [-> |]; [lra |].
  assert (g t <= h t) by (apply (less p); auto; lra); nra.
Qed.

Lemma sum_equal l g h : (forall t, g t = h t) -> weighted_sum l g = weighted_sum l h.
Proof. intros e; induction l as [| [p t] l IH]; simpl; [| rewrite e, IH]; auto. Qed.

Lemma sum_linear l b c g h :
  weighted_sum l (fun t => b * g t + c * h t)
  = b * weighted_sum l g + c * weighted_sum l h.
Proof. induction l as [| [p t] l IH]; simpl; [| rewrite IH]; ring. Qed.

Lemma sums_commute {X} l (k : list (R * X)) (h : T -> X -> R) :
  weighted_sum l (fun t => weighted_sum k (h t))
  = weighted_sum k (fun x => weighted_sum l (fun t => h t x)).
Proof.
  induction l as [| [p t] l IH]; simpl.
  - induction k as [| [q x] k IH]; simpl; [| rewrite <- IH]; ring.
  - rewrite IH; clear; induction k as [| [q x] k IH]; simpl; [| rewrite <- IH]; ring.
Qed.

Lemma sum_constant l c : weighted_sum l (fun _ => c) = c * weighted_sum l (fun _ => 1).
Proof. induction l as [| [p t] l IH]; simpl; [| rewrite IH]; ring. Qed.

Definition mixture l (weights : are_weights l) : expectation T.
Proof.
  refine {| mean := weighted_sum l; measures := fun _ => True |};
    auto using sum_linear.
  - intros g h _ _ less; apply sum_monotone; auto; apply weights.
  - intro c; rewrite sum_constant, (proj2 weights); ring.
Defined.

(* A mixture plays in P if all that it gives weight to lies in P. *)
Lemma mixture_plays_in l weights (P : T -> Prop) :
  (forall p t, In (p, t) l -> 0 < p -> P t) -> plays_in (mixture l weights) P.
Proof. intros all g h _ _ less; apply sum_monotone; [apply weights | eauto]. Qed.

(* n inputs, each with probability 1 / n. *)
Definition equal_weights (xs : list T) : list (R * T) :=
  map (fun x => (/ INR (length xs), x)) xs.

Lemma equal_weights_sum xs (h : T -> R) :
  weighted_sum (equal_weights xs) h
  = / INR (length xs) * fold_right (fun x total => h x + total) 0 xs.
Proof.
  unfold equal_weights; generalize (/ INR (length xs)) as p; intro p.
  induction xs as [| x xs IH]; simpl; [| rewrite IH]; ring.
Qed.

Lemma equal_weights_ok xs : xs <> nil -> are_weights (equal_weights xs).
Proof.
  intros some; assert (positive : 0 < INR (length xs)).
  { apply lt_0_INR; destruct xs; [easy | simpl; apply PeanoNat.Nat.lt_0_succ]. }
  split.
  - apply Forall_map, Forall_forall; intros x _; left; now apply Rinv_0_lt_compat.
  - rewrite equal_weights_sum.
    replace (fold_right _ _ _) with (INR (length xs)); [field; lra |].
    clear; induction xs as [| x xs IH]; [easy |].
    change (length (x :: xs)) with (S (length xs)); rewrite S_INR, IH; simpl; ring.
Qed.

(* A function with finitely many values attains its maximum. *)
Lemma maximum_attained (values : list R) h t0 :
  (forall t, h t0 < h t -> In (h t) values) -> exists t, forall other, h other <= h t.
Proof.
  revert t0; induction values as [| c values IH]; intros t0 finite.
  - exists t0; intro t.
    destruct (Rle_dec (h t) (h t0)); [easy | destruct (finite t); lra].
  - destruct (classic (exists t, h t = c /\ h t0 < h t)) as [[t [<- up]] | none].
    + apply (IH t); intros other more; destruct (finite other); lra || assumption.
    + apply (IH t0); intros other more; destruct (finite other more); [| assumption].
      destruct none; now exists other.
Qed.

Fixpoint subset_sums l : list R :=
  match l with
  | nil => 0 :: nil
  | (p, _) :: rest => subset_sums rest ++ map (Rplus p) (subset_sums rest)
  end.

Lemma sum_of_event l (P : T -> Prop) (decided : forall t, {P t} + {~ P t}) :
  In (weighted_sum l (fun t => indicator (decided t))) (subset_sums l).
Proof.
  induction l as [| [p t] l IH]; simpl; [auto |]; apply in_or_app.
  destruct (decided t); simpl; [right | left].
  - rewrite Rmult_1_r; now apply in_map.
  - now rewrite Rmult_0_r, Rplus_0_l.
Qed.
End Sums.

(* A game on finitely many inputs; a sample of n weighs each by 1 / n. *)
Section Finite_games.
Context {G : game} (X : list (R * space G)) (wX : are_weights X).
Hypothesis finite : inputs G = mixture X wX.

Theorem equation_2 A wA D wD : payoff (mixture A wA) (mixture D wD) =
  weighted_sum X (fun x => weighted_sum A (fun a => weighted_sum D (fun v =>
    utility x (moves a x) (move v)))).
Proof.
  unfold payoff, payoff_by, score_by; rewrite finite; simpl; rewrite (sums_commute X A).
  apply sum_equal; intro a; apply sums_commute.
Qed.

Definition stay : defense G.
Proof.
  exists zero; unfold in_ball; rewrite norm_of_zero; apply defense_budget_nonneg.
Defined.

Theorem maximizer_exists : exists v : defense G, best v.
Proof.
  apply (maximum_attained (subset_sums X) _ stay).
  intros v _; unfold phi; rewrite finite; apply sum_of_event.
Qed.

Theorem theorem_1_finite : exists v : defense G, best v /\
  equilibrium (pure fgm) (pure v) /\ payoff (pure fgm) (pure v) = 1 - 2 * phi v.
Proof.
  destruct maximizer_exists as [v top]; exists v; split; [exact top |].
  apply theorem_1; auto using pure_is_smooth; intro; now rewrite finite.
Qed.
End Finite_games.

(* Eq. (5): for a sample phi is the share of the points. *)
Theorem equation_5 {G : game} xs ok (v : defense G) :
  inputs G = mixture (equal_weights xs) ok ->
  phi v = / INR (length xs)
    * fold_right (fun x total => indicator (robust_dec x (move v)) + total) 0 xs.
Proof. unfold phi; intros ->; apply equal_weights_sum. Qed.
