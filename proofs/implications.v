(* The three implications of Theorem 1, as far as they are statements. *)
From Coq Require Import Reals Lra.
Require Import inner_product game lemma_1 lemma_2 lemma_3 theorem_1.
Open Scope R_scope.

(* Implication 1. Two classifiers at one input: f = epsilon / 2, and gradients e and -e. *)
Section Implication_1.
Context {E : inner_product_space} (e : E) (epsilon : R).
Hypothesis unit_length : norm e = 1.
Hypothesis positive : 0 < epsilon.

Definition one_input (s : R) : game :=
  {| space := E; f := fun _ => epsilon / 2; gradient := fun _ => scale s e;
     attack_budget_nonneg := Rlt_le _ _ positive;
     defense_budget_nonneg := Rlt_le _ _ positive; inputs := pure zero |}.

Lemma payoff_one_input s (v : { v : E | in_ball epsilon v }) : s = 1 \/ s = -1 ->
  score_by (G := one_input s) utility fgm v
  = if Rle_dec (epsilon / 2) (s * dot e (proj1_sig v)) then -1 else 1.
Proof.
  intros side; destruct v as [v short]; unfold score_by, utility, flip, move; simpl.
  rewrite (tangent_at (G := one_input s)); simpl.
  pose proof (fgm_effect (G := one_input s) zero ltac:(simpl; lra)) as effect; simpl in effect.
  rewrite dot_scale_left, norm_scale, unit_length in effect.
  replace (Rabs s) with 1 in effect
    by (destruct side as [-> | ->]; unfold Rabs; destruct Rcase_abs; lra).
  replace (sgn (epsilon / 2)) with 1 in * by (unfold sgn; destruct Rlt_dec; lra).
  rewrite !dot_scale_left.
  destruct Req_EM_T; [lra |]; repeat destruct Rle_dec; lra.
Qed.

(* A strategy fixed before the classifier is known, such as a rotationally symmetric one,
   gives the attacker at least 0 on one of the two, where another strategy gives -1. *)
Theorem implication_1 (sD : expectation { v : E | in_ball epsilon v }) :
  (forall s, measures sD (score_by (G := one_input s) utility fgm)) ->
  exists s (v : defense (one_input s)), 0 <= payoff (G := one_input s) (pure fgm) sD /\
    payoff (G := one_input s) (pure fgm) (pure v) = -1.
Proof.
  intros measured; set (score s := score_by (G := one_input s) utility fgm).
  assert (winner : forall s, s = 1 \/ s = -1 -> exists v, score s v = -1).
  { intros s side; assert (short : in_ball epsilon (scale (s * epsilon) e)).
    { unfold in_ball; rewrite norm_scale, unit_length.
      destruct side; subst; unfold Rabs; destruct Rcase_abs; lra. }
    exists (exist _ _ short).
    unfold score; rewrite payoff_one_input by exact side; simpl.
    rewrite dot_scale, <- norm_squared, unit_length.
    destruct side; subst; destruct Rle_dec; lra. }
  assert (within : forall s, within_one (score s))
    by (intro s; apply (score_within (G := one_input s))).
  assert (0 <= / 2 * mean sD (score 1) + / 2 * mean sD (score (-1))).
  { rewrite <- mean_linear by (apply within || apply measured).
    rewrite <- (mean_constant sD 0) at 1; apply mean_monotone; intro v;
      pose proof (within 1 v); pose proof (within (-1) v); try lra.
    unfold score; rewrite !payoff_one_input by auto; repeat destruct Rle_dec; lra. }
  destruct (Rle_dec 0 (mean sD (score 1))); [exists 1 | exists (-1)];
    (edestruct winner as [v loses]; [| exists v; split; [| exact loses]]); auto;
    change (0 <= mean sD (score (-1))); lra.
Qed.
End Implication_1.

Section Implications.
Context {G : game}.
Implicit Types (sA : expectation (attack G)) (sD : expectation (defense G)).

(* Implication 2: some attack is best whatever the defense. *)
Theorem implication_2 : exists sA : expectation (attack G),
  forall sD other, payoff other sD <= payoff sA sD.
Proof. exists (pure fgm); intros sD other; apply lemma_2. Qed.

(* Implication 3: the value is 1 if phi(v_star) = 0, and -1 if phi(v_star) = 1. *)
Theorem implication_3 (v_star : defense G) : measures_robust_sets G -> best v_star ->
  (phi v_star = 0 -> forall sD, payoff (pure fgm) sD = 1) /\
  (phi v_star = 1 -> forall sA, payoff sA (pure v_star) = -1).
Proof.
  intros measured top; destruct (lemma_3 v_star _ measured top (pure_is_smooth _ top))
    as [value most]; unfold defender_payoff in *; split; intros extreme; [intro sD | intro sA].
  - specialize (most sD); pose proof (payoff_at_most utility (fun _ => 1) (pure fgm) sD) as less.
    rewrite mean_constant in less; apply Rle_antisym; [apply less | lra].
    + intros _; lra.
    + intros x a v; apply flip_within.
    + intros a v; apply (score_within a v).
  - pose proof (lemma_2 sA (pure v_star)); pose proof (payoff_within sA (pure v_star)); lra.
Qed.

(* With equal budgets phi(v_star) = 0 needs f = 0: to undo FGM is robust. *)
Theorem undoing_fgm (x : space G) : attack_budget G <= defense_budget G -> f x <> 0 ->
  robust_set x (scale (-1) (fgm_step x)).
Proof.
  intros budgets label; apply lemma_1; unfold in_ball, slack.
  pose proof (fgm_in_ball x) as short; unfold in_ball in short.
  rewrite norm_scale, dot_scale.
  replace (Rabs (-1)) with 1 by (unfold Rabs; destruct Rcase_abs; lra).
  repeat split; [lra | exact label |].
  pose proof (fgm_effect x label); rewrite Rmult_plus_distr_l, sgn_abs.
  pose proof (Rabs_pos (f x)); lra.
Qed.
End Implications.
