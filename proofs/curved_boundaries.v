(* The game scored with f itself, when |f - f_L| is bounded around each input. *)
Require Export theorem_1.

Section Curved_boundaries.
Context {G : game}.
Implicit Types (x : space G) (v : defense G).

(* Eq. (1) with f in place of f_L. *)
Definition true_utility x (a v : space G) : R := flip (f x) (f (add (add x a) v)).
Definition true_payoff := payoff_by true_utility.

(* A bound of |f - f_L| within both budgets together; None where no bound is known. *)
Variable error : space G -> option R.
Hypothesis error_bounds : forall x w e, error x = Some e ->
  norm w <= attack_budget G + defense_budget G ->
  Rabs (f (add x w) - tangent x (add x w)) <= e.

(* The slack of Eq. (3) is at least the error (s = 1), or minus that (s = -1). *)
Definition keeps (s : R) x (v : space G) : Prop :=
  f x <> 0 /\ match error x with Some e => s * e <= slack x v | None => s < 0 end.

Definition keeps_dec s x v : {keeps s x (move v)} + {~ keeps s x (move v)}.
Proof.
  unfold keeps; destruct (Req_EM_T (f x) 0), (error x) as [b |];
    [right; tauto | right; tauto | destruct (Rle_dec (s * b) (slack x (move v)))
    | destruct (Rlt_dec s 0)]; (left; tauto) || (right; tauto).
Defined.

Definition share s v : R :=
  mean (inputs G) (fun x => indicator (keeps_dec s x v)).
Hypothesis measures_shares :
  forall s v, measures (inputs G) (fun x => indicator (keeps_dec s x v)).

Lemma true_margin x a v e : in_ball (attack_budget G) a -> error x = Some e ->
  sgn (f x) * f (add (add x a) (move v)) - e
  <= sgn (f x) * (f x + dot (gradient x) (move v) + dot (gradient x) a)
  <= sgn (f x) * f (add (add x a) (move v)) + e.
Proof.
  intros short known; pose proof (move_in_ball v) as inside; unfold in_ball in *.
  pose proof (norm_add a (move v)).
  pose proof (error_bounds x (add a (move v)) e known ltac:(lra)) as near.
  rewrite <- tangent_at, <- add_assoc; revert near; unfold Rabs, sgn.
  destruct Rcase_abs; repeat destruct Rlt_dec; lra.
Qed.

(* No attack flips f where the slack is at least the error. *)
Theorem surely_kept x a v : in_ball (attack_budget G) a -> keeps 1 x (move v) ->
  true_utility x a (move v) = -1.
Proof.
  intros short [label enough]; destruct (error x) as [e |] eqn:known; [| lra].
  pose proof (true_margin x a v e short known); pose proof (attack_effect x a short).
  unfold true_utility, flip, slack in *.
  destruct Req_EM_T; [easy | destruct Rle_dec; lra].
Qed.

(* FGM flips f where the slack is below minus the error. *)
Theorem surely_lost x v : ~ keeps (-1) x (move v) ->
  true_utility x (fgm_step x) (move v) = 1.
Proof.
  unfold true_utility, flip, keeps, slack; destruct Req_EM_T as [| label]; [easy |].
  intros low.
  destruct (error x) as [e |] eqn:known; [| destruct low; split; easy || lra].
  pose proof (true_margin x _ v e (fgm_in_ball x) known).
  pose proof (fgm_effect x label).
  destruct Rle_dec; [destruct low; split; [easy | lra] | reflexivity].
Qed.

Lemma share_of_kept s v :
  1 - 2 * share s v
  = mean (inputs G) (fun x => 1 - 2 * indicator (keeps_dec s x v)).
Proof. unfold share; now rewrite mean_of_event by apply measures_shares. Qed.

Lemma share_within s : within_one (fun v => 1 - 2 * share s v).
Proof.
  intro v; rewrite share_of_kept; apply mean_within; intro x; apply indicator_within.
Qed.

Lemma true_within x (a v : space G) : -1 <= true_utility x a v <= 1.
Proof. apply flip_within. Qed.

(* Against s_D no attack gets more than the first bound, FGM at least the second. *)
Theorem true_payoff_at_most (sA : mixed_attack G) sD :
  true_payoff sA sD <= mean sD (fun v => 1 - 2 * share 1 v).
Proof.
  apply payoff_at_most; [apply share_within | apply true_within |].
  intros a v; rewrite share_of_kept; apply mean_monotone; intro x;
    [apply true_within | apply indicator_within |].
  destruct keeps_dec as [kept |]; simpl.
  - rewrite surely_kept; [lra | apply (proj2_sig a) | exact kept].
  - pose proof (true_within x (moves a x) (move v)); lra.
Qed.

Theorem true_payoff_of_fgm sD :
  mean sD (fun v => 1 - 2 * share (-1) v) <= true_payoff (pure fgm) sD.
Proof.
  apply (mean_monotone sD _ (score_by true_utility fgm)); [apply share_within | |];
    intro v; [apply mean_within; intro x; apply true_within |].
  rewrite share_of_kept; apply mean_monotone; intro x;
    [apply indicator_within | apply true_within |].
  destruct keeps_dec as [| lost]; simpl.
  - pose proof (true_within x (fgm_step x) (move v)); lra.
  - rewrite surely_lost by exact lost; lra.
Qed.

(* (FGM, v) is an equilibrium of the true game up to these gains; whatever the other
   plays, FGM gets at least 1 - 2 most, and v gives at most 1 - 2 share 1 v. *)
Theorem curved_equilibrium v (most : R) :
  (forall other, share (-1) other <= most) -> most <= 1 ->
  (forall sA, true_payoff sA (pure v) - true_payoff (pure fgm) (pure v)
    <= 2 * (share (-1) v - share 1 v)) /\
  (forall sD, true_payoff (pure fgm) (pure v) - true_payoff (pure fgm) sD
    <= 2 * (most - share 1 v)) /\
  (forall sD, 1 - 2 * most <= true_payoff (pure fgm) sD) /\
  (forall sA, true_payoff sA (pure v) <= 1 - 2 * share 1 v).
Proof.
  intros top small.
  assert (above : forall sA, true_payoff sA (pure v) <= 1 - 2 * share 1 v)
    by (intro sA; apply true_payoff_at_most).
  assert (below : 1 - 2 * share (-1) v <= true_payoff (pure fgm) (pure v))
    by apply (true_payoff_of_fgm (pure v)).
  assert (guarantee : forall sD, 1 - 2 * most <= true_payoff (pure fgm) sD).
  { intro sD; apply Rle_trans with (2 := true_payoff_of_fgm sD).
    rewrite <- (mean_constant sD (1 - 2 * most)).
    apply mean_monotone; [| apply share_within |]; intro u;
      specialize (top u); pose proof (share_within (-1) u); simpl in *; lra. }
  repeat split; auto; intro other; [specialize (above other); lra |].
  specialize (above (pure fgm)); specialize (guarantee other); lra.
Qed.
End Curved_boundaries.
